"""The pages that people follow: the incident procedures' related runbooks."""

from pathlib import Path

import pytest
import yaml

from tests.faces import app, app_of, settings_of  # noqa: F401 - fixtures.
from trimtab.app import HANDBOOK
from trimtab.runbooks import Runbook
from trimtab.runbooks.page import parse_page

ROOT = Path(__file__).parents[2]


def page(name):
    return parse_page((ROOT / "library" / f"{name}.md").read_text(encoding="utf-8"), name)


@pytest.mark.feature("F396")
def test_the_latency_page_is_what_the_latency_alerts_open():
    groups = yaml.safe_load((ROOT / "rules" / "service.yml").read_text())["groups"]
    pages = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in groups[0]["rules"]}
    assert pages["ServiceSlow"] == pages["ServiceSlowing"] == f"runbook:{page('latency-spike').id}"
    assert "http_request_latency_seconds_bucket" in page("latency-spike").prose


@pytest.mark.parametrize(
    ("alert", "repaired"),
    [
        ("ServiceSlow", True),
        ("ServiceSlowing", True),
        ("ServiceDegraded", True),
        ("ServiceFailing", True),
        ("ServiceNearlyFull", False),
    ],
)
def test_each_alert_of_the_latency_page_has_a_cause_with_a_drill(alert, repaired):
    books = [page(path.stem) for path in sorted((ROOT / "library").glob("*.md"))]
    causes = [
        cause
        for book in books
        if isinstance(book, Runbook) and alert in book.alerts
        for cause in book.causes
    ]
    drilled = [cause for cause in causes if cause.evidence and cause.drill]
    assert drilled
    assert any(cause.fix and cause.verify for cause in drilled) == repaired
    assert alert in page("latency-spike").alerts


def opened_by(file, name):
    """Return the alerts of a rules file that open a page."""
    groups = yaml.safe_load((ROOT / "rules" / file).read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    url = f"runbook:{name}"
    return {rule["alert"] for rule in rules if rule["annotations"].get("runbook_url") == url}


@pytest.mark.feature("F394")
def test_the_drift_page_is_what_the_drift_alerts_open_and_asks_for_each_feature():
    drift = page("model-drift")
    assert {"ModelDriftCritical", "ModelDrift", "ModelDriftMild"} <= opened_by(
        "model-monitoring.yml", drift.id
    )
    assert opened_by("model-monitoring.yml", drift.id) <= set(drift.alerts)
    assert any("psi" in str(command) for command in drift.gather)
    assert all(cause.evidence for cause in drift.causes)


@pytest.mark.feature("F395")
def test_the_data_quality_page_is_what_missing_values_open():
    quality = page("data-quality")
    assert "ModelDataQuality" in opened_by("model-monitoring.yml", quality.id)
    assert any("null_rate" in str(command) for command in quality.gather)
    assert any(cause.nature == "upstream" and cause.fix for cause in quality.causes)


@pytest.mark.feature("F397")
def test_the_retraining_page_says_who_decides_and_how_it_is_taken_back():
    retraining = page("retraining")
    assert "trimtab models retrain NAME --data FILE" in retraining.text
    assert "trimtab models decide ID --approve" in retraining.text
    assert "follow rollback" in retraining.text


@pytest.mark.feature("F398")
def test_the_rollback_page_says_how_each_thing_is_taken_back_and_by_whom():
    rows = [line for line in page("rollback").text.splitlines() if line.startswith("| ")]
    things = [row.split("|")[1].strip() for row in rows]
    expected = {
        "a release (ENT-06)",
        "documents (ENT-08)",
        "settings (ENT-07)",
        "everything (ENT-09)",
    }
    assert expected | {"a golden baseline", "a model", "a deployment in a cluster"} <= set(things)
    for kind in ("configuration", "database", "model", "deployment"):
        assert f"`trimtab rollback {kind}" in page("rollback").text


@pytest.mark.feature("F348")
def test_an_investigation_asks_the_handbook_that_is_ingested(app):  # noqa: F811 - a fixture.
    app.knowledge.ingest_text(HANDBOOK, "pumps.md", "A broken pump is swapped by the crew.")
    (found,) = app.incidents.context.consult("the pump is broken")
    assert found == "pumps.md: A broken pump is swapped by the crew."
