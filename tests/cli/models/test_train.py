"""`models train`, `evaluate` and `earnings`: figures, candidates, and artifacts in a folder."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.models.trained.factory import (
    LetterEncoder,
    write_credit,
    write_statements,
    write_table,
    write_tweets,
)
from trimtab.cli.models.train import usual_data
from trimtab.cli.runtime.connect import Client
from trimtab.kernel.errors import InvalidInput
from trimtab.models.trained import fraud
from trimtab.models.trained.trainers import NAMES, trainer_of


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch):
    """Grow 10 trees where the product grows 200: nothing that is asked here depends on their number."""
    task = fraud.TASK
    few = replace(task, estimator=lambda: task.estimator().set_params(trees__n_estimators=10))
    monkeypatch.setattr(fraud, "TASK", few)


def test_train_registers_a_candidate_and_promotes_nothing(trimtab, tmp_path):
    write_table(tmp_path)
    done = trimtab("models", "train", "fraud-classifier", "--data", str(tmp_path), "--json")
    assert done.code == 0, done.err
    (report,) = json.loads(done.out)["models"]
    assert report["version"] == 1
    assert set(report["baselines"]) == {"logistic regression"}
    listed = json.loads(trimtab("models", "list", "--json").out)["models"]
    assert [(row["name"], row["aliases"]) for row in listed] == [
        ("fraud-classifier", {"candidate": 1})
    ]


def test_a_written_artifact_is_evaluated_on_other_rows(trimtab, tmp_path):
    write_table(tmp_path)
    out = tmp_path / "out"
    done = trimtab("models", "train", "classifier_v2", "--data", str(tmp_path), "--out", str(out))
    assert done.code == 0, done.err
    other = write_table(tmp_path / "other", seed=9)
    artifact = str(out / "fraud-classifier")
    words = ("models", "evaluate", "fraud-classifier", "--data", str(other), "--artifact", artifact)
    figures = json.loads(trimtab(*words, "--json").out)["metrics"]
    assert figures["auc"] > 0.9
    assert {"f1", "auprc", "brier", "calibration_error"} <= set(figures)


def test_the_shipped_earnings_analyzer_is_evaluated(trimtab, tmp_path):
    file = write_statements(tmp_path)
    done = trimtab("models", "evaluate", "earnings-analyzer", "--data", str(file), "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["metrics"]["statements_f1_value_unit"] == 1


def test_earnings_prints_statements_and_score(trimtab, tmp_path):
    file = tmp_path / "report.txt"
    file.write_text("Revenue grew 5% to $12 million.", encoding="utf-8")
    done = trimtab("models", "earnings", str(file))
    assert done.code == 0, done.err
    assert "revenue" in done.out
    assert "$12 million" in done.out
    body = json.loads(trimtab("models", "earnings", str(file), "--json").out)
    assert [s["amount"] for s in body["sentences"][0]["statements"]] == [5.0, 12e6]


def test_earnings_of_several_calls_give_one_line_for_each_sentence(trimtab, tmp_path):
    file = tmp_path / "calls.jsonl"
    file.write_text(json.dumps({"id": "a", "text": "Revenue was $5 million. Thank you."}))
    lines = [json.loads(line) for line in trimtab("models", "earnings", str(file)).out.splitlines()]
    assert [(line["call"], len(line["statements"])) for line in lines] == [("a", 1), ("a", 0)]


@pytest.fixture
def all_data(tmp_path, monkeypatch):
    """Write a training set for each model; sentences are embedded by their letters."""
    write_table(tmp_path)
    write_credit(tmp_path)
    write_tweets(tmp_path)
    write_statements(tmp_path)
    monkeypatch.setattr("trimtab.cli.models.train._LazyEncoder", lambda *_: LetterEncoder())
    return str(tmp_path)


def test_all_models_are_trained_and_end_with_a_table_of_figures_and_baselines(trimtab, all_data):
    out = str(Path(all_data, "out"))
    done = trimtab("models", "train", "--all", "--data", all_data, "--out", out)
    assert done.code == 0, done.err
    table = done.out.partition("All models")[2]
    for name in NAMES:
        assert name in table
    assert "logistic regression" in table
    assert "none" not in table
    for name in NAMES:
        assert Path(out, name, "manifest.json").is_file()


def test_every_report_has_the_figure_of_its_summary_and_a_baseline_for_it(trimtab, all_data):
    out = str(Path(all_data, "out"))
    done = trimtab("models", "train", "--all", "--data", all_data, "--out", out, "--json")
    reports = json.loads(done.out)["models"]
    assert [report["model"] for report in reports] == list(NAMES)
    for report in reports:
        figure = trainer_of(report["model"]).figure
        assert figure in report["metrics"]
        assert any(figure in figures for figures in report["baselines"].values())


def test_nothing_is_trained_when_one_of_the_sets_is_missing(trimtab, all_data):
    Path(all_data, "finance_tweets", "data.jsonl").unlink()
    done = trimtab("models", "train", "--all", "--data", all_data)
    assert done.code != 0
    assert "finance_tweets/data.jsonl; nothing was trained" in " ".join(done.err.split())
    assert json.loads(trimtab("models", "list", "--json").out)["models"] == []


def test_a_ctrl_c_while_a_model_is_registered_leaves_it_as_candidate(
    trimtab, tmp_path, monkeypatch
):
    write_table(tmp_path)
    call, pressed = Client.call, []

    def press(self, method, path, **more):
        found = call(self, method, path, **more)
        if (method, path) == ("POST", "/v1/models"):
            pressed.append(path)
            signal.raise_signal(signal.SIGINT)
        return found

    monkeypatch.setattr(Client, "call", press)
    done = trimtab("models", "train", "fraud-classifier", "--data", str(tmp_path))
    assert (done.code, pressed) == (130, ["/v1/models"])
    listed = json.loads(trimtab("models", "list", "--json").out)["models"]
    assert [row["aliases"] for row in listed] == [{"candidate": 1}]


def test_a_name_and_all_exclude_each_other(trimtab, tmp_path):
    assert trimtab("models", "train", "--data", str(tmp_path)).code == 2
    both = trimtab("models", "train", "risk-predictor", "--all", "--data", str(tmp_path))
    assert both.code == 2
    assert "--all" in both.err


def test_the_registered_version_is_evaluated_before_shipped_weights(trimtab, tmp_path):
    write_table(tmp_path)
    assert trimtab("models", "train", "fraud-classifier", "--data", str(tmp_path)).code == 0
    other = str(write_table(tmp_path / "other", seed=9))
    words = ("models", "evaluate", "fraud-classifier", "--data", other, "--json")
    body = json.loads(trimtab(*words).out)
    assert body["version"] == "fraud-classifier@1"
    assert body["metrics"]["auc"] > 0.9
    assert json.loads(trimtab(*words, "--version", "1").out)["metrics"] == body["metrics"]
    assert trimtab(*words, "--version", "7").code != 0


@pytest.mark.parametrize("folder", ["data", "../shared/data/models"])
def test_without_data_the_usual_folders_are_used_or_the_next_step_is_named(
    tmp_path, monkeypatch, folder
):
    home = tmp_path / "checkout"
    home.mkdir()
    monkeypatch.chdir(home)
    with pytest.raises(InvalidInput, match="no folder `data`") as error:
        usual_data()
    assert "--data" in error.value.hint()
    (home / folder).mkdir(parents=True)
    assert usual_data() == Path(folder)


def test_validated_rows_and_a_file_start_retrainings_that_wait_for_a_service(trimtab, tmp_path):
    rows = tmp_path / "rows.jsonl"
    row = {"model": "fraud-classifier", "inputs": {}, "label": "fraud"}
    rows.write_text(json.dumps(row), encoding="utf-8")
    done = trimtab("models", "update", "--data", str(rows))
    assert "fraud-classifier: 1 rows" in done.out
