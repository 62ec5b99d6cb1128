"""Validated rows start a retraining whose candidate waits; what serves stays."""

import json
from dataclasses import replace

import pytest

from tests.models.trained.factory import LetterEncoder, write_table, write_tweets
from trimtab.models.retraining.candidates import retraining_trainers
from trimtab.models.retraining.errors import NotTrainable
from trimtab.models.retraining.records import RetrainingState
from trimtab.models.retraining.service import RetrainingContext, Retrainings
from trimtab.models.retraining.store import RetrainingStore
from trimtab.models.retraining.updater import (
    BATCH_ROWS,
    ModelUpdater,
    ValidatedRow,
    extended_data,
)
from trimtab.models.trained import fraud
from trimtab.models.trained.errors import TrainingDataInvalid
from trimtab.models.trained.fraud import TASK
from trimtab.testing.clock import FakeClock
from trimtab.testing.jobs import FakeJobs

NAME = "fraud-classifier"


def validated(count, label="fraud", model=NAME, **changed):
    inputs = dict.fromkeys(TASK.columns, 0.5) | changed
    return [ValidatedRow(model, inputs, label) for _ in range(count)]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Train the fraud classifier as its baseline is: in a fiftieth of the time."""
    monkeypatch.setattr(fraud, "TASK", replace(TASK, estimator=TASK.baseline))


@pytest.fixture
def world(models, tmp_path):
    """Retrainings of the shipped kinds of models, whose jobs run on demand."""
    clock = FakeClock()
    jobs = FakeJobs(clock)
    context = RetrainingContext(
        RetrainingStore(models.context.database),
        tmp_path / "kept",
        jobs,
        clock,
        models.context.env.audit,
        models.registry.promote,
    )
    trainers = retraining_trainers(models.registry, LetterEncoder())
    retrainings = Retrainings(context, trainers)
    data = tmp_path / "data-of-models"
    data.mkdir()
    write_table(tmp_path, rows=200).rename(data / f"{NAME}.csv")
    return models, retrainings, jobs, ModelUpdater(retrainings, data), data


@pytest.mark.feature("F278")
def test_fifty_rows_start_a_candidate_and_change_nothing_that_serves(world):
    models, retrainings, jobs, updater, _ = world
    update = updater.update_models(validated(50), "reviewer")
    (started,) = update.started
    jobs.run(until=lambda: retrainings.store.get(started.id).state is RetrainingState.WAITING)
    waiting = retrainings.store.get(started.id)
    assert waiting.state is RetrainingState.WAITING
    assert waiting.facts["comparison"]["rows"] == 50  # A fifth of 200 rows and 50 new ones.
    assert models.registry.aliases(NAME) == {}
    retrainings.decide(started.id, waiting.approval_hash, "eva", approve=True)
    jobs.run()
    assert models.registry.aliases(NAME) == {"production": waiting.facts["version"]}


@pytest.mark.feature("F278")
def test_fewer_rows_start_nothing_and_are_named(world):
    _, retrainings, _, updater, _ = world
    update = updater.update_models(validated(49), "reviewer")
    assert (update.started, update.too_few) == ((), {NAME: 49})
    assert retrainings.store.recent() == []


def test_the_rows_are_the_newest_of_the_training_file(world):
    *_, data = world
    content = extended_data(NAME, data, validated(2, V3=7.25))
    lines = content.decode().splitlines()
    assert len(lines) == 203
    assert lines[-1].split(",")[2] == "7.25"
    assert lines[-1].endswith(",1")


def test_texts_are_added_as_json_lines(world, tmp_path):
    *_, data = world
    write_tweets(tmp_path).rename(data / "sentiment-analyzer.jsonl")
    row = ValidatedRow("sentiment-analyzer", {"text": "Profit up"}, "positive")
    last = extended_data("sentiment-analyzer", data, [row]).decode().splitlines()[-1]
    assert json.loads(last) == {"text": "Profit up", "label": "positive"}


@pytest.mark.parametrize(
    "rows",
    [
        validated(BATCH_ROWS, label="maybe"),
        validated(BATCH_ROWS, V5=None),
        validated(BATCH_ROWS, model="risk-predictor"),
        [ValidatedRow("earnings-analyzer", {"text": "a"}, "positive")] * BATCH_ROWS,
        validated(BATCH_ROWS) + validated(BATCH_ROWS, model="risk-predictor"),
    ],
    ids=["class", "column", "no file", "no rows of this kind", "one of two"],
)
def test_a_wrong_batch_starts_nothing(world, rows):
    _, retrainings, _, updater, _ = world
    with pytest.raises(TrainingDataInvalid):
        updater.update_models(rows, "reviewer")
    assert retrainings.store.recent() == []


def test_a_model_without_training_is_told(world):
    *_, updater, data = world
    (data / "other.csv").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises((NotTrainable, TrainingDataInvalid)):
        updater.update_models(validated(BATCH_ROWS, model="other"), "reviewer")
