"""Documents of incidents as releases before episodes wrote them, and as this one writes them."""

import json
from datetime import datetime

import pytest
import sqlalchemy as sa

from tests.incidents.records import START, drift_alert, drift_incident
from trimtab.incidents import AttemptOutcome, State
from trimtab.incidents.attach import reopened
from trimtab.incidents.model import Attempt, DoneAct, Episode, IncidentSeverity, Watch
from trimtab.incidents.rows import INCIDENTS, incident_row, parsed

AT = "2026-03-14T09:00:00Z"
ALERT = {
    "fingerprint": "alert_low",
    "name": "TankLow",
    "labels": {"component": "tank"},
    "annotations": {"summary": "Level: 1"},
    "value": 1.0,
    "fired_at": AT,
    "pending_seconds": 60.0,
    "source": "",
    "expression": "",
}
OLD = {
    "id": "INC-2026-0314",
    "opening": 3,
    "state": "verifying",
    "state_since": AT,
    "title": "Tank Low",
    "component": "tank",
    "group_key": "KB/tank",
    "alerts": [{"alert": ALERT, "firing": True, "changed_at": AT}],
    "opened_at": AT,
    "severity": "P1",
    "native_severity": "P1 (High)",
    "system": "KB",
    "ladder": "knowledge",
    "runbooks": ["tank-empty"],
    "triaged_at": AT,
    "diagnosed_at": AT,
    "remediation_at": AT,
    "restored_at": None,
    "resolved_at": None,
    "diagnosis": None,
    "plan": None,
    "acknowledged": None,
    "assigned_to": "",
    "taken_over_by": "",
    "severity_set_at": None,
    "cause_stated": "",
    "follow_ups": [],
    "approved_by": "alice",
    "done": [
        {
            "name": "tank.refill",
            "summary": "refilled",
            "undo_arguments": {"litres": 4},
            "undone": False,
            "undo_failed": False,
            "changed": True,
        }
    ],
    "watch": {"started_at": AT, "healthy_since": None},
    "attempts": [
        {
            "opening": 2,
            "cause_id": "tank-empty/the-tap-is-open",
            "outcome": "did_not_help",
            "at": AT,
            "reason": "",
        }
    ],
    "called": ["On-Call Engineer"],
    "held_back": ["Team Lead"],
    "passed_over": ["CTO"],
    "conditions": ["pump_ok == 1"],
    "root_cause": "the pump is broken",
    "cause_verified": False,
    "resolution": "",
    "escalated_at": AT,
    "closed_by": "",
    "impact": "",
    "postmortem": "",
    "drill": False,
}
"""Every key that a document has had, with the values of an incident that is being repaired."""


def written(incident):
    return json.loads(incident_row(incident, START)["document"])


def test_an_old_document_is_read_with_its_episode():
    incident = parsed(json.dumps(OLD))
    assert (incident.id, incident.state, incident.severity) == (
        "INC-2026-0314",
        State.VERIFYING,
        IncidentSeverity.P1,
    )
    assert incident.attempts == (
        Attempt(2, "tank-empty/the-tap-is-open", AttemptOutcome.DID_NOT_HELP, START),
    )
    assert incident.episode == Episode(
        number=3,
        opened_at=START,
        triaged_at=START,
        diagnosed_at=START,
        remediation_at=START,
        approved_by="alice",
        done=(DoneAct("tank.refill", "refilled", {"litres": 4}),),
        watch=Watch(START),
        called=("On-Call Engineer",),
        held_back=("Team Lead",),
        passed_over=("CTO",),
        conditions=("pump_ok == 1",),
        root_cause="the pump is broken",
        escalated_at=START,
    )


def test_a_document_is_written_with_the_keys_that_older_releases_read():
    assert written(parsed(json.dumps(OLD))) == OLD


def test_a_document_of_the_first_release_lacks_the_later_keys():
    short = {key: OLD[key] for key in list(OLD)[:9]}
    assert parsed(json.dumps(short)).episode == Episode(3, START)


def test_outcomes_of_attempts_are_kept_by_these_words():
    assert [outcome.value for outcome in AttemptOutcome] == [
        "worked", "did_not_help", "act_failed", "timed_out", "changed_nothing", "not_verified", "not_plannable",
        "rejected", "not_answered",
    ]  # fmt: skip


@pytest.mark.parametrize("damaged", ["{", "[]", "null", "{}", '{"episode": 1}', '{"attempts": 1}'])
def test_a_damaged_document_is_a_value_error(damaged):
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's and JSON's errors have no common text.
        parsed(damaged)


def test_a_reopened_incident_keeps_its_attempts_and_nothing_else_of_its_episode():
    attempt = Attempt(1, "page/cause", AttemptOutcome.WORKED, START)
    before = drift_incident(attempts=(attempt,), called=("CTO",), postmortem="# Post-mortem")
    now = datetime.fromisoformat("2026-03-14T11:00:00+00:00")
    after = reopened(before, drift_alert(), now)
    assert (after.state, after.state_since) == (State.DETECTED, now)
    assert after.episode == Episode(2, now)
    assert (after.attempts, after.runbooks) == ((attempt,), before.runbooks)


def test_changes_go_to_the_incident_or_its_episode():
    before = drift_incident()
    after = before.updated(title="New", impact="none")
    assert (after.title, after.episode.impact) == ("New", "none")
    assert (before.title, before.episode.impact) == ("Model Drift Critical", "")
    with pytest.raises(TypeError):
        before.updated(unknown=1)


def test_incidents_of_drills_are_told_from_others_and_from_those_of_older_releases(operator):
    store = operator.context.store
    for name, drill in (("real", False), ("drill", True), ("older", False)):
        made = drift_incident(id=name, group_key=name, drill=drill)
        store.open(lambda _id, made=made: made, "x", ())
    with store._database.write() as connection:
        older = INCIDENTS.c.id == "older"
        document = json.loads(connection.scalar(sa.select(INCIDENTS.c.document).where(older)))
        del document["drill"]
        row = sa.update(INCIDENTS).where(older)
        connection.execute(row.values(document=json.dumps(document)))
    found = {
        drills: {each.id for each in store.find(drills=drills)} for drills in (None, True, False)
    }
    assert found == {None: {"real", "drill", "older"}, True: {"drill"}, False: {"real", "older"}}


def test_active_incidents_are_found_by_the_alert(operator):
    tank, other = operator.fire(), operator.fire(component="other")
    store = operator.context.store
    assert [found.id for found in store.active_with_alert(tank.alert.fingerprint)] == [tank.id]
    assert [found.id for found in store.active_with_alert(other.alert.fingerprint)] == [other.id]
    assert store.active_with_alert("alert_unknown") == []
    ended = operator.clock.now()
    store.change(other.id, lambda fresh: fresh.updated(state=State.TRIAGED), ended)
    with store._database.write() as connection:
        gone = sa.update(INCIDENTS).where(INCIDENTS.c.id == other.id)
        connection.execute(gone.values(state="resolved"))
        broken = sa.update(INCIDENTS).where(INCIDENTS.c.id == tank.id)
        connection.execute(broken.values(document="{"))
    assert store.active_with_alert(other.alert.fingerprint) == []
    assert store.active_with_alert(tank.alert.fingerprint) == []
