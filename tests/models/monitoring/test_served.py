"""What this process serves is monitored against the version's own reference, without any client code."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.models.factory import sample_rows, saved, trained
from tests.models.monitoring.data import lines, observations, reference, transactions
from trimtab.app.review_sources import ModelFindings
from trimtab.models.monitoring.drift import DriftVerdict
from trimtab.models.monitoring.module import build
from trimtab.models.monitoring.served import ServedObserver
from trimtab.models.packing import Description, describe
from trimtab.models.rows import Outputs, Rows
from trimtab.models.serving.records import FailedBatch, ServedBatch


@pytest.fixture
def module(models, tmp_path):
    # Drift against the 200 rows of the factory would be lost in the noise.
    manifest = describe(trained(), Description(name="churn", sample=sample_rows(5000, seed=1)))
    version = models.registry.register(saved(tmp_path), manifest, "anna")
    models.registry.promote("churn", version.version, "anna", "first")
    return build(models.context.env, models)


def look(module):
    next(task for task in module.scheduled if task.name == "judge models").run()


def ask(models, rows, request_id):
    models.serving.predict_now("churn", rows, request_id)
    # Observers are called after the reply, on the thread that predicts next.
    models.serving.predict_now("churn", rows[:1], f"{request_id}-last")


def observed(module, requests):
    """Look until so many predictions are observed; they arrive a moment after the reply."""
    for _ in range(1000):
        look(module)
        if module.service.model("churn") and module.service.status("churn").requests >= requests:
            break
    return module.service.status("churn")


def test_served_predictions_are_judged(models, module):
    ask(models, sample_rows(1000, seed=7), "r1")
    status = observed(module, 1000)
    assert status.requests >= 1000
    assert status.latency_p99_seconds < 10
    drift = {each.feature: each.verdict for each in status.drift.features}
    assert set(drift) == {"amount", "age", "balance"}
    assert DriftVerdict.DRIFT not in drift.values()


def test_served_drift_is_found(models, module):
    rows = [{**row, "amount": row["amount"] + 5} for row in sample_rows(1000, seed=8)]
    ask(models, rows, "r1")
    status = observed(module, 1000)
    assert status.drift.features[0].feature == "amount"
    assert status.drift.verdict is DriftVerdict.DRIFT


@pytest.mark.parametrize(("shift", "reviewed"), [(0, []), (5, ["churn drift {day}"])])
def test_a_model_whose_inputs_have_drifted_is_reviewed_once_a_day(models, module, shift, reviewed):
    env = models.context.env
    findings = ModelFindings(models, module.service, env.clock)
    rows = [{**row, "amount": row["amount"] + shift} for row in sample_rows(1000, seed=8)]
    ask(models, rows, "r1")
    day = f"{observed(module, 1000).at:%Y-%m-%d}"
    for _ in range(2):
        drifted = [each for each in findings.candidates(100) if each.reason == "drift"]
        assert [each.subject for each in drifted] == [text.format(day=day) for text in reviewed]
    assert all("PSI" in each.text and "amount (" in each.text for each in drifted)


def served_batches(columns, name, at, size):
    """The rows as batches of requests p0, p1, ... of one row each."""
    version = SimpleNamespace(name=name, version=1)
    names = tuple(each for each in columns if each not in ("score", "label"))
    for start in range(0, len(columns["score"]), size):
        part = {each: columns[each][start : start + size].tolist() for each in names}
        scores = columns["score"][start : start + size]
        shares, ids = np.stack([1 - scores, scores], axis=1), range(start, start + len(scores))
        outputs = Outputs(scores, scores, ("0", "1"), (scores >= 0.5).astype(np.intp), shares)
        requests, rows = [f"p{number}" for number in ids], Rows(names, columns=part)
        yield ServedBatch(version, "production", requests, [1] * len(ids), rows, outputs, 0.02, at)


def test_served_batches_count_as_the_same_observations_from_elsewhere(monitor, clock):
    columns = transactions(300, seed=3)
    columns["country"][5] = "XX"
    columns["country"][6] = None
    monitor.add_observations("classifier_v2", observations(columns, latency_ms=20))
    monitor.set_reference("served", reference(), "rows", "ada")
    observer = ServedObserver(monitor)
    for batch in served_batches(columns, "served", clock.now(), size=37):
        observer.observe(batch)
    observer.flush()
    sent, served = (
        monitor.store.states(monitor.model(name), "") for name in ("classifier_v2", "served")
    )
    assert [state.rows for state in served.values()] == [300]
    assert [state.features["country"].unseen for state in served.values()] == [1]
    assert [state.encode() for state in served.values()] == [
        state.encode() for state in sent.values()
    ]
    found = monitor.store.predictions("served", ["p0", "p299", "p300"])
    assert set(found) == {"p0", "p299"}


def test_a_request_that_failed_first_counts_as_failed(monitor, clock):
    columns, observer = transactions(3), ServedObserver(monitor)
    version, at = SimpleNamespace(name="classifier_v2", version=1), clock.now()
    observer.observe(FailedBatch(version, "production", ["p1"], "models.unavailable", at))
    for batch in served_batches(columns, "classifier_v2", at, size=2):
        observer.observe(batch)
    observer.flush()
    (state,) = monitor.store.states(monitor.model("classifier_v2"), "").values()
    assert (state.rows, state.errors) == (2, 1)


def test_what_is_served_is_stored_without_a_look_when_it_is_much(monitor, clock):
    columns, observer = transactions(2000), ServedObserver(monitor)
    *most, last = served_batches(columns, "classifier_v2", clock.now(), size=500)
    for batch in most:
        observer.observe(batch)
    assert monitor.store.states(monitor.model("classifier_v2"), "") == {}
    observer.observe(last)
    (state,) = monitor.store.states(monitor.model("classifier_v2"), "").values()
    assert state.rows == 2000
    again = lines({"id": "p7", "score": 1})
    assert monitor.add_observations("classifier_v2", again).stored == 0
