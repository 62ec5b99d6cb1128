"""What the overview says first: the worst of components, open incidents and firing alerts."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from trimtab.console.banner import banner_of, severity_of_alert
from trimtab.incidents import State
from trimtab.incidents.model import IncidentSeverity
from trimtab.kernel.health import ComponentHealth, Status
from trimtab.monitoring.alerts import Alert, AlertState

UP, SICK = ComponentHealth(Status.UP), ComponentHealth(Status.DEGRADED)
AT = datetime(2026, 1, 1, tzinfo=UTC)


def alert(severity="critical", state=AlertState.FIRING, name="TankLow"):
    labels = {"alertname": name, "severity": severity}
    return Alert("f", name, state, labels, {"title": f"{name} of {severity}"}, 1.0, AT)


@pytest.fixture
def incident(tank):
    """Make open incidents of a severity and state."""
    waiting = tank.waiting()

    def make(severity, state=State.EXECUTING, name="i"):
        return replace(
            waiting, id=name, title=name, severity=IncidentSeverity(severity), state=state
        )

    return make


def test_without_trouble_everything_is_up():
    found = banner_of({"disk": UP}, [], [alert(state=AlertState.PENDING)])
    assert (found.tone, found.title, found.incident) == ("up", "Everything is up", None)


def test_a_component_that_is_not_up_is_named():
    found = banner_of({"disk": UP, "embedding_model": SICK}, [], [])
    assert (found.tone, found.title) == ("degraded", "Degraded: embedding model")


@pytest.mark.parametrize(
    ("severity", "tone"),
    [
        ("P0", "down"),
        ("P1", "down"),
        ("critical", "down"),
        ("P2", "degraded"),
        ("warning", "degraded"),
        ("P3", "degraded"),
        ("info", "degraded"),
        ("", "degraded"),
    ],
)
def test_a_firing_alert_colours_the_banner(severity, tone):
    found = banner_of({"disk": UP}, [], [alert(severity)])
    assert (found.tone, found.title) == (tone, f"TankLow of {severity}")


@pytest.mark.parametrize(
    ("label", "severity"),
    [("P0", "P0"), ("P1 (High)", "P1"), ("Critical", "P1"), ("low", "P3"), ("?", "P2")],
)
def test_the_labels_of_alerts_are_read_as_severities(label, severity):
    assert severity_of_alert(alert(label)) == severity


def test_the_worst_alert_is_named():
    found = banner_of({"disk": UP}, [], [alert("warning"), alert("P0", name="Fire")])
    assert (found.title, found.severity) == ("Fire of P0", "P0")


def test_the_worst_open_incident_is_named_and_before_an_alert_of_the_same_colour(incident):
    open_ones = [incident("P2", name="mild"), incident("P1", name="bad")]
    found = banner_of({"disk": SICK}, open_ones, [alert("P0")])
    assert (found.tone, found.severity, found.title) == ("down", "P1", "bad")
    assert found.incident.id == "bad"


def test_an_alert_that_is_worse_than_every_incident_is_named(incident):
    found = banner_of({"disk": UP}, [incident("P2")], [alert("P0", name="Fire")])
    assert (found.tone, found.title) == ("down", "Fire of P0")


def test_an_incident_that_waits_for_a_decision_is_linked_before_a_worse_one(incident):
    waiting = incident("P2", State.AWAITING_APPROVAL, "waits")
    found = banner_of({"disk": UP}, [incident("P1", name="bad"), waiting], [])
    assert (found.severity, found.incident.id) == ("P1", "waits")


def test_the_overview_is_red_while_a_bad_incident_is_open(tank):
    waiting = tank.waiting()
    text = tank.client().get("/console/overview/live").text
    assert (
        f'class="severity severity-{waiting.severity}"' in text.split('aria-label="Key figures"')[0]
    )
    assert "A plan waits for you" in text
