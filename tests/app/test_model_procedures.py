"""The pages, actions and alerts of models that the incident procedures name."""

import re
from pathlib import Path

import pytest
import yaml

from tests.app.test_procedures import page
from tests.faces import app, app_of, settings_of  # noqa: F401 - fixtures.
from trimtab.incidents.errors import PreapprovalRefused
from trimtab.incidents.plan import check_preapproved
from trimtab.kernel.operable import Risk
from trimtab.models.retraining.service import Retrainings
from trimtab.runbooks import Runbook

ROOT = Path(__file__).parents[2]


def pages_of(rules):
    """Return the page that each alert of a file opens."""
    (group,) = yaml.safe_load((ROOT / "rules" / rules).read_text(encoding="utf-8"))["groups"]
    return {
        rule["alert"]: rule["annotations"]["runbook_url"].removeprefix("runbook:")
        for rule in group["rules"]
    }


@pytest.mark.parametrize(
    ("name", "alerts", "drills"),
    [
        pytest.param(
            "model-drift",
            {"ModelDriftCritical", "ModelDrift", "ModelDriftMild", "ModelAccuracyLow"},
            {"models.vendor.change_unit", "models.population.shift"},
            marks=pytest.mark.feature("F394"),
        ),
        pytest.param(
            "data-quality",
            {"ModelDataQuality", "ModelLabelsLate"},
            {"models.vendor.lose_column", "models.labels.delay"},
            marks=pytest.mark.feature("F395"),
        ),
    ],
)
def test_each_alert_opens_a_page_whose_causes_are_drilled(app, name, alerts, drills):  # noqa: F811
    found = page(name)
    assert isinstance(found, Runbook)
    opened = {alert for alert, target in pages_of("model-monitoring.yml").items() if target == name}
    assert alerts <= opened == set(found.alerts)
    assert all(cause.evidence and cause.drill for cause in found.causes)
    assert (
        {step.name for cause in found.causes for step in cause.drill}
        == drills
        <= app.catalog.faults.keys()
    )


def test_the_page_of_a_failing_model_looks_at_and_repairs_the_model_of_the_alert_alone():
    alert = pages_of("models.yml")
    assert alert["ModelUnavailable"] == "model-inference-failures"
    for cause in page("model-inference-failures").causes:
        for check in (*cause.evidence, *cause.verify):
            asked = re.findall(r"models_\w+(\{[^}]*\})?", check.expression)
            assert asked
            assert set(asked) == {'{model="$model"}'}
        assert [act.arguments["name"] for act in cause.fix] == ["$model"]


def test_two_models_that_fail_are_two_incidents():
    (group,) = yaml.safe_load((ROOT / "rules/models.yml").read_text(encoding="utf-8"))["groups"]
    assert {rule["labels"]["component"] for rule in group["rules"]} == {"{{ $labels.model }}"}


@pytest.mark.feature("F397")
def test_the_retraining_page_is_opened_by_the_schedule_and_its_steps_exist(app):  # noqa: F811
    found = page("retraining")
    assert pages_of("model-monitoring.yml")["ModelRetrainingScheduled"] == "retraining"
    for command in ("retrain", "retrainings", "decide"):
        assert f"trimtab models {command}" in found.text
    trained = {"fraud-classifier", "risk-predictor", "sentiment-analyzer", "earnings-analyzer"}
    assert set(app.assembly.service(Retrainings).trainable()) == trained
    assert "models.retraining.waiting" in app.catalog.signals


@pytest.mark.feature("F360")
def test_rolling_a_model_back_needs_a_person_each_time(app):  # noqa: F811
    rollback = app.catalog.actions["models.rollback"]
    assert rollback.risk is Risk.APPROVAL
    with pytest.raises(PreapprovalRefused):
        check_preapproved(("models.rollback",), app.catalog)
    check_preapproved(("models.inputs.fill",), app.catalog)
