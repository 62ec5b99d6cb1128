"""Validated rows start a candidate that waits for approval; what serves stays."""

from dataclasses import replace

import pytest

from tests.models.trained.factory import LetterEncoder, write_table
from trimtab.models.trained.errors import TrainingDataInvalid
from trimtab.models.trained.fraud import TASK
from trimtab.models.trained.tabular import train_tabular
from trimtab.models.trained.updater import BATCH_ROWS, ModelUpdater, ValidatedRow, extend_data

ENCODER = LetterEncoder()


def validated(count, label="fraud", **changed):
    inputs = dict.fromkeys(TASK.columns, 0.5) | changed
    return [ValidatedRow("fraud-classifier", inputs, label) for _ in range(count)]


def train_small(name, data, encoder):
    """Train the fraud classifier as the baseline is: in a tenth of the time."""
    assert (name, encoder) == ("fraud-classifier", ENCODER)
    return train_tabular(replace(TASK, estimator=TASK.baseline), data)


@pytest.fixture
def serving(models, tmp_path):
    data = tmp_path / "sets"
    write_table(data, rows=200)
    trained = train_small("fraud-classifier", data, ENCODER)
    trained.write(tmp_path / "model")
    (tmp_path / "model" / "manifest.json").unlink()
    version = models.registry.register(tmp_path / "model", trained.manifest, "anna")
    models.registry.promote("fraud-classifier", version.version, "anna", "first")
    return models, ModelUpdater(models.registry, ENCODER, data, train_small)


def test_fifty_rows_start_a_candidate_and_change_nothing_that_serves(serving):
    models, updater = serving
    (candidate,) = updater.update_models(validated(BATCH_ROWS), "reviewer")
    aliases = models.registry.aliases("fraud-classifier")
    assert aliases == {"production": 1, "candidate": candidate.version}
    assert candidate.manifest.parent == 1
    assert (
        candidate.manifest.data_sha256
        != models.registry.resolve("fraud-classifier").manifest.data_sha256
    )


def test_fewer_rows_start_nothing(serving):
    models, updater = serving
    assert updater.update_models(validated(BATCH_ROWS - 1), "reviewer") == []
    assert models.registry.aliases("fraud-classifier") == {"production": 1}


def test_a_row_with_an_unknown_class_registers_nothing(serving):
    models, updater = serving
    with pytest.raises(TrainingDataInvalid):
        updater.update_models(validated(BATCH_ROWS, label="maybe"), "reviewer")
    assert models.registry.aliases("fraud-classifier") == {"production": 1}


def test_validated_rows_follow_the_training_rows(tmp_path):
    source = write_table(tmp_path / "sets", rows=20)
    file = extend_data(
        "fraud-classifier", tmp_path / "sets", validated(2, V1=9.25), tmp_path / "new"
    )
    before = source.read_text("utf-8").splitlines()
    after = file.read_text("utf-8").splitlines()
    assert after[: len(before)] == before
    assert [line.split(",")[0] for line in after[len(before) :]] == ["9.25", "9.25"]
    assert [line.split(",")[-1] for line in after[len(before) :]] == ["1", "1"]


def test_the_earnings_analyzer_needs_labels_of_another_kind(tmp_path):
    rows = [ValidatedRow("earnings-analyzer", {"text": "a"}, "neutral")]
    with pytest.raises(TrainingDataInvalid, match="cannot be retrained"):
        extend_data("earnings-analyzer", tmp_path, rows, tmp_path / "new")
