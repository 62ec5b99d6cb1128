"""Candidates of the four models: trained on a file, compared on its newest rows, registered once."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from tests.models.factory import models_in
from tests.models.trained.factory import (
    LetterEncoder,
    write_credit,
    write_statements,
    write_table,
    write_tweets,
)
from trimtab.models.retraining.candidates import retraining_trainers
from trimtab.models.retraining.comparison import compare_paired
from trimtab.models.trained import fraud
from trimtab.models.trained.errors import TrainingDataInvalid
from trimtab.models.trained.fraud import TASK
from trimtab.models.trained.judging import newest_fifth

ENCODER = LetterEncoder()
WRITERS = {
    "fraud-classifier": write_table,
    "risk-predictor": write_credit,
    "sentiment-analyzer": write_tweets,
    "earnings-analyzer": lambda folder: write_statements(folder, times=15),
}


def compared(candidate):
    return compare_paired(
        candidate.labels, candidate.current, candidate.candidate, candidate.scored
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Train the fraud classifier as its baseline is: in a fiftieth of the time."""
    monkeypatch.setattr(fraud, "TASK", replace(TASK, estimator=TASK.baseline))


@pytest.fixture
def models(tmp_path):
    with models_in(tmp_path / "data", encoder=ENCODER) as found:
        yield found


@pytest.mark.parametrize("name", WRITERS)
def test_each_model_is_retrained_from_a_file(models, tmp_path, name):
    file = WRITERS[name](tmp_path)
    train = retraining_trainers(models.registry, ENCODER)[name]
    first = train(file)
    assert compared(first).is_better  # Than the most frequent class, because nothing serves.
    assert models.registry.aliases(name) == {}
    assert first.version == 1
    models.registry.promote(name, 1, "anna", "first")
    again = train(file)
    assert not compared(again).is_better
    assert again.version == 2  # Its manifest names the version that serves as its parent.
    assert train(file).version == 2


def test_a_candidate_is_better_when_the_world_has_changed(models, tmp_path):
    train = retraining_trainers(models.registry, ENCODER)["fraud-classifier"]
    first = train(write_table(tmp_path / "old"))
    models.registry.promote("fraud-classifier", first.version, "anna", "first")
    file = write_table(tmp_path / "new", rows=600, shift=-2.0, seed=4)
    candidate = train(file)
    assert compared(candidate).is_better
    manifest = models.registry.resolve("fraud-classifier", str(candidate.version)).manifest
    assert manifest.parent == first.version
    assert models.registry.aliases("fraud-classifier") == {"production": 1}


def test_the_answers_of_the_rows_held_out_are_not_learnt(models, tmp_path):
    """With labels of pure chance, a candidate that had seen them would be right nearly always."""
    file = write_table(tmp_path, rows=600, shift=0.0)
    candidate = retraining_trainers(models.registry, ENCODER)["fraud-classifier"](file)
    assert compared(candidate).candidate_f1 < 0.5


def test_rows_of_json_lines_are_read_as_those_of_csv(tmp_path):
    file = write_table(tmp_path)
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    lines = tmp_path / "rows.data"
    lines.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    np.testing.assert_array_equal(TASK.read(lines).values, TASK.read(file).values)
    lines.write_text(json.dumps({"V1": 1}), encoding="utf-8")
    with pytest.raises(TrainingDataInvalid, match="line 1 has no column V2"):
        TASK.read(lines)


def test_the_newest_rows_of_each_class_are_held_out():
    labels = np.array(["a"] * 80 + ["b"] * 20)
    assert np.flatnonzero(newest_fifth(labels)).tolist() == [*range(64, 80), *range(96, 100)]


@pytest.mark.parametrize("labels", [["a", "b"] * 40, ["a"] * 200])
def test_too_few_rows_or_classes_are_refused(labels):
    with pytest.raises(TrainingDataInvalid, match="too few to compare"):
        newest_fifth(np.array(labels))
