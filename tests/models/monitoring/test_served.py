"""What this process serves is monitored against the version's own reference, without any client code."""

import pytest

from tests.models.factory import sample_rows, saved, trained
from trimtab.app.review_sources import ModelFindings
from trimtab.models.monitoring.drift import DriftVerdict
from trimtab.models.monitoring.module import build
from trimtab.models.packing import Description, describe


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
