"""The names that other programs rely on: facts of journal entries, signals, error codes, act records."""

from datetime import timedelta

import pytest

from tests.incidents.operator import make_operator, until
from tests.incidents.records import START, drift_alert, drift_incident
from tests.incidents.world import PUMP, TAP
from trimtab.incidents import State, errors
from trimtab.incidents.bounded import ActTimedOut
from trimtab.incidents.loop import Loop
from trimtab.incidents.model import AttachedAlert
from trimtab.incidents.signals import signals
from trimtab.incidents.similar import similar
from trimtab.incidents.transition import NewEntry, Transition
from trimtab.kernel.errors import TrimtabError


def facts_of(operator, incident_id, start):
    (found,) = [
        entry.facts
        for entry in operator.incidents.timeline(incident_id)
        if entry.text.startswith(start)
    ][:1]
    return found


@pytest.fixture
def repaired(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    operator.jobs.run()
    return operator, incident.id


def test_what_the_journal_holds_of_a_repair(repaired):
    operator, found = repaired
    assert facts_of(operator, found, "Alert TankLow fired").keys() == {
        "alert",
        "fingerprint",
        "value",
    }
    assert facts_of(operator, found, "Triaged") == {
        "severity": "P2",
        "system": "KB",
        "ladder": "knowledge",
        "runbooks": ["tank-empty"],
    }
    likely = facts_of(operator, found, "Most likely cause")
    assert likely["cause"] == TAP
    assert likely["evidence"] == [{"check": "tap_open == 1", "holds": True, "values": [1.0]}]
    assert likely["confidence"] > 0.5
    assert list(likely["others"]) == [PUMP]
    assert (likely["changes"], likely["similar"]) == (0, [])
    planned = facts_of(operator, found, "Planned")
    assert planned.keys() == {"plan_hash", "cause", "acts", "approval_because"}
    assert [act["effect"] for act in planned["acts"]] == ["reversible", "reversible"]
    assert planned["acts"][0].keys() >= {"name", "arguments", "risk", "dry_run", "changes", "facts"}
    done = facts_of(operator, found, "Done: close_tap")
    assert done["act"] == "tank.close_tap"
    assert done["approved_by"] == ""
    assert done["key"].endswith(":0")
    assert (done["result"], done["resumed_after_crash"]) == ({}, False)
    assert facts_of(operator, found, "Running tank.close_tap") == {"key": done["key"]}
    assert facts_of(operator, found, "Repair verified") == {
        "hold_seconds": 60.0,
        "resolution": "close_tap was done. refill was done.",
        "repair_verified": True,
    }


def test_what_the_journal_holds_of_a_handover(operator):
    operator.world.put(level=1)
    found = until(operator, operator.fire(), State.ESCALATED)
    given_up = facts_of(operator, found.id, "No further cause to try")
    assert given_up.keys() == {"candidates", "consulted"}
    assert set(given_up["candidates"]) == {TAP, PUMP}
    call = facts_of(operator, found.id, "On-Call Engineer could not be called")
    assert call.keys() == {"who", "why", "paged", "receivers", "opening", "message_key"}
    assert (call["who"], call["paged"], call["opening"]) == ("On-Call Engineer", True, 1)


def test_what_the_journal_holds_of_a_fix_that_did_not_help(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    effect = operator.world.effect
    operator.world.effect = lambda context, what, **values: effect(context, what, tap=0)
    found = until(operator, operator.fire(), State.ESCALATED)
    failing = facts_of(operator, found.id, "Not over")["failing"]
    assert failing == ["`tank_level > 5` does not hold", "alert TankLow fires"]
    undone = facts_of(operator, found.id, "Undone: open_tap")
    assert undone["key"].endswith(":0:undo")
    assert "the operator" not in found.episode.diagnosis.abstained_because


def test_an_act_that_goes_on_after_a_crash_says_so(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    loop = Loop(operator.context)
    while operator.incidents.get(incident.id).state is not State.EXECUTING:
        loop.advance(incident.id, 1)
    found = operator.incidents.get(incident.id)
    key = f"{incident.id}:{found.episode.plan.hash}:0"
    note = NewEntry("x", "Running.")
    operator.context.store.begin_act(found, key, "tank.close_tap", operator.clock.now(), note)
    loop.advance(incident.id, 1)
    done = facts_of(operator, incident.id, "Done: close_tap")
    assert done["resumed_after_crash"] is True


@pytest.mark.parametrize(("worked", "barred"), [(2, False), (3, True)])
def test_a_fix_is_barred_when_it_worked_exactly_so_often(tmp_path, worked, barred):
    operator = make_operator(tmp_path)
    operator.prove(TAP)
    for _ in range(worked):
        operator.world.put(tap=1, level=1)
        operator.fire()
        operator.jobs.run()
        operator.clock.advance(3600)
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    operator.jobs.run(
        until=lambda: operator.incidents.get(incident.id).state in {"escalated", "resolved"}
    )
    assert (operator.incidents.get(incident.id).state == "escalated") is barred


def test_the_operators_signals_have_these_names_units_and_labels(operator):
    listed = signals(operator.context.store, operator.outbox, operator.clock)
    assert {(one.name, one.unit, one.labels, one.counter) for one in listed} == {
        ("incidents.open", "incidents", ("severity",), False),
        ("incidents.unresolved_seconds", "seconds", ("runbook",), False),
        ("incidents.approvals_waiting", "plans", (), False),
        ("incidents.escalated", "incidents", (), False),
        ("incidents.not_verified", "incidents", (), False),
        ("incidents.stalled_seconds", "seconds", (), False),
        ("incidents.mttr_seconds", "seconds", (), False),
        ("incidents.time_to_diagnose_seconds", "seconds", (), False),
        ("notify.undelivered", "messages", (), False),
    }


def test_an_incident_without_a_word_is_similar_to_none():
    mute = drift_alert(name="-", labels={}, annotations={})
    attached = AttachedAlert(mute, firing=True, changed_at=START)
    incident = drift_incident(title="-", component="-", system="", alerts=(attached,))
    assert similar(incident, [drift_incident(id="INC-2026-0313")]) == ()


def test_a_turn_that_says_and_changes_nothing_is_not_written():
    incident = drift_incident()
    assert not Transition(incident).changes(incident)
    assert Transition(incident).changes(drift_incident(number=2))
    assert Transition(incident, (NewEntry("k", "Said."),)).changes(incident)


def test_the_job_ends_with_its_incident_and_the_number_of_its_turns(repaired):
    operator, found = repaired
    ended = operator.jobs.wait(f"incident:{found}:1")
    assert ended.keys() == {"incident_id", "turns"}
    assert ended["incident_id"] == found
    assert ended["turns"] > 5


def test_only_what_worked_for_the_same_cause_and_alert_lately_counts(repaired):
    operator, found = repaired
    fingerprint = operator.incidents.get(found).alert.fingerprint
    at = operator.incidents.get(found).attempts[0].at
    count = operator.context.store.worked_since
    assert count(TAP, fingerprint, at) == 1
    assert count(TAP, fingerprint, at + timedelta(seconds=1)) == 0
    assert count(PUMP, fingerprint, at) == 0
    assert count(TAP, "alert_other", at) == 0
    assert operator.context.store.worked_ever() == {TAP: 1}


def test_what_did_not_help_does_not_count_as_having_worked(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1, broken=["refill"])
    found = until(operator, operator.fire(), State.ESCALATED)
    attempt = found.attempts[0]
    assert attempt.outcome == "act_failed"
    assert operator.context.store.worked_since(TAP, found.alert.fingerprint, attempt.at) == 0
    assert operator.context.store.worked_ever() == {}


def test_a_rejected_plan_is_no_fault_of_the_page(operator):
    operator.world.put(tap=1, level=1)
    waiting = until(operator, operator.fire(), State.AWAITING_APPROVAL)
    operator.incidents.reject(waiting.id, waiting.episode.plan.hash, "bob")
    until(operator, waiting, State.ESCALATED)
    assert "Correct the runbook" not in operator.incidents.postmortem(waiting.id)


def test_the_errors_have_these_codes():
    own = {one for one in vars(errors).values() if isinstance(one, type)} | {ActTimedOut}
    codes = {one.code for one in own if issubclass(one, TrimtabError) and "incidents" in one.code}
    assert codes == {
        "incidents.unknown",
        "incidents.nothing_to_decide",
        "incidents.nothing_to_close",
        "incidents.still_firing",
        "incidents.plan_changed",
        "incidents.illegal_transition",
        "incidents.drill_running",
        "incidents.ladders_refused",
        "incidents.preapproval_refused",
        "incidents.act_timed_out",
        "incidents.alerts_refused",
        "incidents.too_many_alerts",
        "incidents.matcher_refused",
        "incidents.silence_refused",
        "incidents.silence_unknown",
        "incidents.webhook_unknown",
        "incidents.alerts_file_refused",
        "incidents.already_acknowledged",
        "incidents.not_possible_now",
        "incidents.own_proposal",
        "incidents.proposal_refused",
        "incidents.follow_up_unknown",
        "incidents.schedule_unknown",
        "incidents.oncall_refused",
        "incidents.oncall_file_refused",
        "incidents.cases_refused",
        "incidents.group_open",
    }
