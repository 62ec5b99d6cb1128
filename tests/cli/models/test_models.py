"""`trimtab models`: from a saved estimator to a prediction, and back."""

import csv
import json

import pytest

from tests.models.factory import sample_rows, saved, trained


@pytest.fixture
def files(tmp_path):
    """Return a saved estimator and its training data as CSV with the label."""
    data = tmp_path / "train.csv"
    rows = [{**row, "churned": "yes"} for row in sample_rows()]
    with data.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    new = tmp_path / "new.json"
    new.write_text(json.dumps(sample_rows(2, seed=5)))
    return saved(tmp_path), data, new


def register(trimtab, files, *more):
    model, data, _ = files
    return trimtab(
        "models",
        "register",
        "churn",
        str(model),
        "--sample",
        str(data),
        "--label",
        "churned",
        *more,
    )


def test_a_model_is_registered_and_serves(trimtab, files):
    assert register(trimtab, files, "--promote", "--metric", "f1=0.9").code == 0
    found = trimtab("models", "predict", "churn", str(files[2]), "--json")
    assert [row["label"] in {"no", "yes"} for row in json.loads(found.out)["outputs"]] == [True] * 2
    shown = json.loads(trimtab("models", "show", "churn", "--json").out)
    assert shown["manifest"]["metrics"] == {"f1": 0.9}
    assert len(shown["manifest"]["data_sha256"]) == 64


def test_the_same_files_again_are_said_to_serve_already(trimtab, files):
    assert "Next: trimtab models promote" in register(trimtab, files).out
    assert "Next: trimtab models promote" in register(trimtab, files).out
    register(trimtab, files, "--promote")
    again = register(trimtab, files)
    assert (again.code, "has these files and serves already" in again.out) == (0, True)


def test_versions_are_promoted_rolled_back_and_logged(trimtab, files, tmp_path):
    register(trimtab, files, "--promote")
    saved(tmp_path, trained(shift=0.4))
    register(trimtab, files)
    trimtab("models", "promote", "churn", "2", "--reason", "better")
    trimtab("models", "rollback", "churn", "--yes", "--reason", "worse")
    moves = json.loads(trimtab("models", "log", "churn", "--json").out)["moves"]
    assert [move["reason"] for move in moves if move["alias"] == "production"] == [
        "worse",
        "better",
        "registered with --promote",
    ]
    (row,) = json.loads(trimtab("models", "list", "--json").out)["models"]
    assert row["aliases"]["production"] == 1


def test_a_damaged_artifact_is_told_by_verify(trimtab, files, data_dir):
    register(trimtab, files, "--promote")
    assert trimtab("models", "verify", "churn").code == 0
    (file,) = (data_dir / "model-artifacts").glob("*/model.skops")
    file.write_bytes(b"damaged")
    found = trimtab("models", "verify", "churn")
    assert found.code == 1
    assert "model.skops" in found.out


def test_which_bytes_answered_is_printed(trimtab, files):
    register(trimtab, files, "--promote")
    body = json.loads(trimtab("models", "predict", "churn", str(files[2]), "--json").out)
    found = trimtab("models", "request", body["request_id"])
    assert "churn@1" in found.out
    assert "file model.skops: " in found.out


def test_the_check_of_what_serves_times_it_and_tells_problems(trimtab, files, data_dir):
    assert trimtab("models", "serve-check").code == 0
    register(trimtab, files, "--promote")
    (found,) = json.loads(trimtab("models", "serve-check", "--json").out)["models"]
    assert (found["model"], found["detail"], found["availability"]) == ("churn", "", 1.0)
    assert 0 < found["p50_ms"] <= found["p95_ms"]
    (file,) = (data_dir / "model-artifacts").glob("*/model.skops")
    file.write_bytes(b"damaged")
    done = trimtab("models", "serve-check", "--json")
    assert done.code == 1
    assert "model.skops" in json.loads(done.out)["models"][0]["detail"]


def test_a_version_is_converted_to_onnx_and_compared(trimtab, files):
    register(trimtab, files, "--promote")
    done = trimtab("models", "to-onnx", "churn", "--json")
    assert done.code == 0, done.err
    body = json.loads(done.out)
    assert (body["version"], body["manifest"]["flavour"], body["manifest"]["parent"]) == (
        2,
        "onnx",
        1,
    )
    assert trimtab("models", "promote", "churn", "2").code == 0
    found = json.loads(trimtab("models", "predict", "churn", str(files[2]), "--json").out)
    assert found["served_by"] == "churn@2"
    again = trimtab("models", "to-onnx", "churn", "2")
    assert again.code == 2
    assert "Only scikit-learn versions" in again.err


def test_all_files_or_those_of_a_folder_are_verified(trimtab, files, tmp_path):
    register(trimtab, files, "--promote")
    body = json.loads(trimtab("models", "verify", "--json").out)
    assert {"churn@1", "embedding model"} <= {each["owner"] for each in body["files"]}
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "old.pkl").write_bytes(b"\x80\x04N.")
    done = trimtab("models", "verify", "--folder", str(folder))
    assert done.code == 1
    assert "old.pkl" in done.out
    assert "refused" in done.out
    assert trimtab("models", "verify", "--repair").code == 2
