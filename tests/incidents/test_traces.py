"""What the operator leaves behind for other programs: audit facts, facts of the journal, fields of the log."""

import json
from dataclasses import replace

import pytest

from tests.incidents.operator import change, until
from tests.incidents.world import TAP
from trimtab.incidents import State
from trimtab.incidents.approvals import await_approval
from trimtab.incidents.diagnose import investigate
from trimtab.incidents.loop import Loop, job_id
from trimtab.incidents.model import IncidentSeverity, PlannedAct
from trimtab.incidents.signals import signals
from trimtab.incidents.triage import native_label
from trimtab.infra.jobs import JobUnknown
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import ActionResult, Sample


def with_open_tap(operator, **world):
    operator.world.put(**{"tap": 1, "level": 1, **world})
    return operator.fire()


def audited(operator, action):
    """Return the facts of each audit event of that action, the oldest first."""
    events = reversed(operator.audit.recent())
    return [json.loads(event.facts) for event in events if event.action == action]


def facts_of(operator, incident_id, start):
    """Return the facts of the first journal entry that starts so."""
    entries = operator.incidents.timeline(incident_id)
    return next(dict(entry.facts) for entry in entries if entry.text.startswith(start))


def test_the_audit_chain_holds_which_plan_was_approved_and_what_ran(operator):
    waiting = until(operator, with_open_tap(operator), State.AWAITING_APPROVAL)
    asked = operator.incidents.approval(waiting.id).requested_at
    operator.incidents.approve(waiting.id, waiting.episode.plan.hash, "alice")
    operator.jobs.run()
    assert audited(operator, "incidents.approved") == [
        {"plan": waiting.episode.plan.hash, "asked_at": asked.isoformat()}
    ]
    key = f"{waiting.id}:{waiting.episode.plan.hash}"
    assert audited(operator, "incidents.acted") == [
        {"act": "tank.close_tap", "approved_by": "alice", "key": f"{key}:0"},
        {"act": "tank.refill", "approved_by": "alice", "key": f"{key}:1"},
    ]
    assert audited(operator, "incidents.resolved") == [{"opening": 1}]


def test_the_audit_chain_holds_what_was_taken_back_and_which_opening_was_closed(operator):
    operator.prove(TAP)
    found = until(operator, with_open_tap(operator, broken=["refill"]), State.ESCALATED)
    operator.world.put(level=9)
    operator.incidents.close(found.id, "alice")
    assert audited(operator, "incidents.undone") == [{"act": "tank.close_tap"}]
    assert audited(operator, "incidents.closed") == [{"opening": 1}]


def test_an_act_that_fails_and_an_undo_that_fails_are_written_with_their_keys(operator):
    operator.prove(TAP)
    found = until(operator, with_open_tap(operator, broken=["refill", "open_tap"]), State.ESCALATED)
    ran = facts_of(operator, found.id, "Running tank.close_tap")["key"]
    failed = facts_of(operator, found.id, "tank.refill failed")
    assert failed == {"key": f"{ran.removesuffix(':0')}:1"}
    undone = facts_of(operator, found.id, "Undo of tank.close_tap failed")
    assert undone == {"key": f"{ran}:undo", "undo_failed": "tank.close_tap"}


def test_a_refused_plan_is_written_with_how_it_ended(operator):
    waiting = until(operator, with_open_tap(operator), State.AWAITING_APPROVAL)
    operator.incidents.reject(waiting.id, waiting.episode.plan.hash, "bob")
    until(operator, waiting, State.ESCALATED)
    assert facts_of(operator, waiting.id, "The plan does not run") == {"outcome": "rejected"}


def test_a_fix_that_would_change_nothing_is_written_with_its_cause_and_acts(operator):
    for name in ("tank.close_tap", "tank.refill"):
        change(operator, name, dry_run=lambda *_: ActionResult("Done already.", changes=False))
    found = until(operator, with_open_tap(operator), State.ESCALATED)
    facts = facts_of(operator, found.id, "The fix would change nothing")
    assert facts["cause"] == TAP
    assert [act["name"] for act in facts["acts"]] == ["tank.close_tap", "tank.refill"]


def test_what_the_samples_could_not_tell_is_written_down(operator):
    operator.prove(TAP)
    found = until(operator, with_open_tap(operator, unsampled=["tank_level"]), State.NOT_VERIFIED)
    assert facts_of(operator, found.id, "Not verified") == {
        "untold": ["`tank_level > 5` (no samples of tank_level)"]
    }


def test_the_journal_names_who_wrote_each_entry(operator):
    operator.prove(TAP)
    incident = with_open_tap(operator)
    operator.jobs.run()
    actors = {entry.text: entry.actor for entry in operator.incidents.timeline(incident.id)}
    assert actors["Running tank.close_tap."] == "runbook:tank-empty"
    assert actors["All acts ran; verifying."] == "operator"
    assert actors["Resolved; the post-mortem is written."] == "operator"


def test_each_entry_holds_the_state_in_which_it_was_written(operator):
    operator.prove(TAP)
    incident = with_open_tap(operator, broken=["refill"])
    until(operator, incident, State.ESCALATED)
    stages = [entry.stage for entry in operator.incidents.timeline(incident.id)]
    assert list(dict.fromkeys(stages)) == [
        "detected",
        "triaged",
        "diagnosed",
        "executing",
        "undoing",
    ]


def test_the_states_have_these_names():
    assert [state.value for state in State] == [
        "detected",
        "triaged",
        "diagnosed",
        "awaiting_approval",
        "executing",
        "verifying",
        "undoing",
        "escalated",
        "not_verified",
        "restored",
        "resolved",
    ]


@pytest.mark.parametrize(
    ("system", "labels"),
    [
        ("HYB", ["Critical", "Critical", "P2", "P3"]),
        ("ENT", ["P0", "P1", "P2", "P3"]),
        ("MISO", ["Critical", "Critical", "Warning", "Low"]),
        ("another", ["P0", "P1", "P2", "P3"]),
    ],
)
def test_each_source_has_its_own_words_for_a_severity(system, labels):
    assert [native_label(system, severity) for severity in sorted(IncidentSeverity)] == labels


def test_the_open_incidents_are_counted_for_each_severity(operator):
    (opened, *_) = signals(operator.context.store, operator.outbox, operator.clock)
    assert [sample.labels for sample in opened.read()] == [
        {"severity": severity} for severity in ("P0", "P1", "P2", "P3")
    ]


def test_the_durable_job_keeps_its_kind(operator):
    status = operator.jobs.status(job_id(with_open_tap(operator)))
    assert status.kind == "incidents.run"


def test_exported_proofs_name_the_build(operator):
    operator.prove(TAP)
    exported = json.loads(operator.context.proofs.export(operator.context.library))
    assert exported["version"] == "test-build"
    assert list(exported["proofs"]) == [TAP]


def test_an_act_of_an_old_record_has_an_unknown_effect():
    assert PlannedAct("tank.refill", {}, "automatic", "would do it").effect == "unknown"


def labelled(operator):
    """Let the tank's level be counted apart for drills."""
    signals = operator.context.catalog.signals
    signals["tank.level"] = replace(
        signals["tank.level"],
        labels=("drill",),
        read=lambda: [Sample(1), Sample(7, {"drill": "true"})],
    )


@pytest.mark.parametrize(("drill", "level"), [(False, "1"), (True, "7")])
def test_a_diagnosis_shows_the_values_of_its_own_traffic(operator, drill, level):
    labelled(operator)
    incident = with_open_tap(operator).updated(drill=drill)
    assert investigate(operator.context, incident).gathered == {"tank.level": level}


def test_a_turn_that_waits_for_less_than_a_second_waits_for_exactly_that(operator):
    waiting = until(operator, with_open_tap(operator), State.AWAITING_APPROVAL)
    expires = operator.incidents.approval(waiting.id).expires_at
    operator.clock.advance((expires - operator.clock.now()).total_seconds() - 0.5)
    found = waiting.updated(called=("Team Lead", "Engineering Manager"))
    assert await_approval(operator.context, found).pause_seconds == 0.5
    operator.context.store.change(waiting.id, lambda _fresh: found, operator.clock.now())
    assert Loop(operator.context).advance(waiting.id, 1) == 0.5


class Busy(TrimtabError):
    """Something that will be better soon."""

    code = "test.busy"
    retryable = True


def failing(error):
    def fail(*_args, **_kwargs):
        raise error

    return fail


def logged(caplog):
    return [
        (record.levelname, record.incident, getattr(record, "code", ""))
        for record in caplog.records
        if record.name.startswith("trimtab.incidents")
    ]


def test_the_log_names_the_incident_whose_turn_is_put_off(operator, caplog):
    incident = with_open_tap(operator)
    operator.world.firing = failing(Busy("busy"))
    Loop(operator.context).advance(incident.id, 1)
    Loop(operator.context).advance(incident.id, 1)
    assert logged(caplog) == [("WARNING", incident.id, "test.busy")]


def test_the_log_names_the_incident_on_which_the_operator_failed(operator, caplog):
    incident = with_open_tap(operator)
    operator.world.firing = failing(ZeroDivisionError())
    Loop(operator.context).advance(incident.id, 1)
    Loop(operator.context).advance(incident.id, 1)
    assert logged(caplog) == [("ERROR", incident.id, "")]


def test_the_log_names_the_incident_that_cannot_be_driven(operator, caplog, monkeypatch):
    incident = with_open_tap(operator)
    monkeypatch.setattr(operator.context.store, "get", failing(ZeroDivisionError()))
    Loop(operator.context).safe_advance(incident.id, 1)
    assert logged(caplog)[-1] == ("ERROR", incident.id, "")


def test_the_log_names_the_incident_whose_job_cannot_start(operator, caplog, monkeypatch):
    incident = with_open_tap(operator)
    monkeypatch.setattr(operator.jobs, "status", failing(JobUnknown("There is no such job.")))
    monkeypatch.setattr(operator.jobs, "start", failing(RuntimeError("no room")))
    operator.incidents.resume()
    assert logged(caplog) == [("ERROR", incident.id, "")]
