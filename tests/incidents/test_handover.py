"""What happens to an incident that people have: who is called, and what is looked at again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.incidents.operator import make_operator, until
from tests.incidents.world import PAGE, PUMP, TAP
from trimtab.incidents import State
from trimtab.incidents.escalation import conditions_met, rungs_due
from trimtab.infra.notify import Kind
from trimtab.runbooks import Library, Procedure
from trimtab.runbooks.errors import RunbookRefused
from trimtab.runbooks.lint import PageChecks
from trimtab.runbooks.page import parse_page

DATA_LOSS = PAGE.rstrip() + "\n```sh event=data_loss\ntrimtab check 'pump_ok == 0'\n```\n"
CONDITION = PAGE.rstrip() + "\n```sh\ntrimtab check 'pump_ok == 1'\n```\n"
PROCEDURE = """\
---
id: tank-procedure
kind: procedure
alerts: [TankLow]
---
# Look at the tank
Climb up and look.
"""


def pass_time(operator, seconds):
    later = operator.clock.monotonic() + seconds
    operator.jobs.run(until=lambda: operator.clock.monotonic() > later)


def handed_over(operator, **world):
    operator.world.put(level=1, **world)
    return until(operator, operator.fire(), State.ESCALATED)


def slow_recovery(operator):
    """Let an alert have to be quiet for hours before its incident is over."""

    def slow(fresh):
        (attached,) = fresh.alerts
        alert = replace(attached.alert, pending_seconds=5 * 3600.0)
        return fresh.updated(alerts=(replace(attached, alert=alert),))

    return slow


def test_while_the_alert_is_quiet_the_next_person_is_not_called(operator):
    found = handed_over(operator)
    operator.context.store.change(found.id, slow_recovery(operator), operator.clock.now())
    operator.world.put(level=9)
    pass_time(operator, 2 * 3600)
    after = operator.incidents.get(found.id)
    assert (after.state, after.episode.called) == (State.ESCALATED, found.episode.called)
    operator.world.put(level=1)
    pass_time(operator, 600)
    assert set(operator.incidents.get(found.id).episode.called) > set(found.episode.called)


def test_an_alert_that_is_quiet_because_nothing_is_measured_goes_on_calling(operator):
    found = handed_over(operator)
    operator.world.put(level=9)
    operator.world.sampled_since = lambda _at: False
    pass_time(operator, 2 * 3600)
    assert set(operator.incidents.get(found.id).episode.called) > set(found.episode.called)


def test_a_quiet_alert_ends_an_escalated_incident_while_samples_come_now_and_then(operator):
    found = handed_over(operator)
    operator.world.put(level=9)
    first = operator.clock.now() + timedelta(seconds=7)

    def sampled_since(at):
        """Return whether a scrape, one in fifteen seconds from ``first`` on, came since then."""
        scrapes = (operator.clock.now() - first) // timedelta(seconds=15)
        return scrapes >= 0 and first + scrapes * timedelta(seconds=15) >= at

    operator.world.sampled_since = sampled_since
    assert until(operator, found, State.RESOLVED).state is State.RESOLVED


def test_a_rung_or_condition_is_due_only_while_the_alert_fires_or_nothing_is_seen(tmp_path):
    operator = make_operator(tmp_path, page=CONDITION)
    operator.world.put(level=1)
    incident = operator.fire().updated(state=State.TRIAGED)
    operator.clock.advance(3600)
    for level, sampled, due in ((1, True, True), (9, True, False), (9, False, True)):
        operator.world.put(level=level)
        operator.world.sampled_since = lambda _at, sampled=sampled: sampled
        assert (rungs_due(operator.context, incident) is not None) is due
        assert (conditions_met(operator.context, incident) is not None) is due


@pytest.mark.parametrize("state", [State.DETECTED, State.RESTORED])
def test_before_triage_and_after_the_end_nobody_is_called(tmp_path, state):
    operator = make_operator(tmp_path, page=CONDITION)
    operator.world.put(level=1)
    incident = operator.fire().updated(state=state)
    operator.clock.advance(3600)
    assert rungs_due(operator.context, incident) is None
    assert conditions_met(operator.context, incident) is None


def test_lost_data_is_told_although_the_alert_is_quiet(tmp_path):
    operator = make_operator(tmp_path, page=DATA_LOSS)
    operator.world.put(pump=0)
    incident = operator.fire()
    operator.jobs.run()
    assert operator.incidents.get(incident.id).episode.called == ("CTO",)


def test_an_escalated_incident_is_diagnosed_again_when_its_evidence_changes(operator):
    operator.prove(TAP)
    found = handed_over(operator)
    assert found.episode.root_cause == ""
    operator.world.put(tap=1)
    waiting = until(operator, found, State.AWAITING_APPROVAL)
    assert waiting.episode.diagnosis.cause_id == TAP
    assert waiting.episode.plan.approval_because == ("the incident was handed over to people",)
    assert operator.effects() == []
    operator.incidents.approve(found.id, waiting.episode.plan.hash, "alice")
    operator.jobs.run()
    assert operator.incidents.get(found.id).episode.cause_verified


def test_evidence_that_stays_the_same_is_not_written_down_again(operator):
    found = handed_over(operator)
    pass_time(operator, 3 * 3600)
    texts = operator.texts(found.id)
    assert not [text for text in texts if "Evidence changed" in text or "Most likely" in text]


def test_evidence_that_goes_away_is_written_down_without_a_plan(operator):
    operator.world.put(pump=0)
    waiting = until(operator, _fire_low(operator), State.AWAITING_APPROVAL)
    operator.incidents.reject(waiting.id, waiting.episode.plan.hash, "bob")
    until(operator, waiting, State.ESCALATED)
    operator.world.put(pump=1)
    pass_time(operator, 900)
    assert "Evidence changed. Supported now: no cause." in operator.texts(waiting.id)
    assert operator.incidents.get(waiting.id).cause_status == "unknown"
    assert PUMP in {attempt.cause_id for attempt in operator.incidents.get(waiting.id).attempts}


def _fire_low(operator):
    operator.world.put(level=1)
    return operator.fire()


def with_procedure(tmp_path):
    operator = make_operator(tmp_path)
    library = Library([parse_page(PROCEDURE, "procedure.md")])
    object.__setattr__(operator.context, "library", library)
    return operator


def test_a_procedure_counts_as_the_runbook_of_its_alert(tmp_path):
    operator = with_procedure(tmp_path)
    found = handed_over(operator)
    assert found.runbooks == ("tank-procedure",)
    assert found.episode.diagnosis.abstained_because == "people follow the procedure tank-procedure"
    assert "Write a runbook" not in operator.incidents.postmortem(found.id)
    assert "no runbook knows this alert" not in " ".join(operator.texts(found.id))


def test_a_procedure_that_only_the_rule_names_counts_too(tmp_path):
    operator = with_procedure(tmp_path)
    page = replace(parse_page(PROCEDURE, "procedure.md"), alerts=())
    object.__setattr__(operator.context, "library", Library([page]))
    assert isinstance(page, Procedure)
    assert operator.context.library.procedures_for("Other", "runbook:tank-procedure") == (page,)
    assert operator.context.library.procedures_for("Other", "runbook:other") == ()


def test_a_procedure_for_an_alert_that_does_not_exist_is_refused(tmp_path):
    (tmp_path / "procedure.md").write_text(PROCEDURE)
    catalog = make_operator(tmp_path).context.catalog
    Library.load(tmp_path, PageChecks(catalog, {"TankLow"}, lambda _: None))
    with pytest.raises(RunbookRefused, match="no alert named 'TankLow'"):
        Library.load(tmp_path, PageChecks(catalog, {"TankHigh"}, lambda _: None))


def test_what_people_did_by_hand_is_told_and_not_taken_for_the_reason(operator):
    found = handed_over(operator)
    operator.audit.append("alice", "catalog.acted", "tank.refill")
    operator.world.put(level=9)
    operator.jobs.run()
    done = operator.incidents.get(found.id)
    assert "Actions run by people since it opened: tank.refill at" in done.episode.resolution
    assert "Whether they ended it is unknown." in done.episode.resolution
    assert "alice" not in done.episode.postmortem


def test_a_fix_that_was_taken_back_is_no_repair_when_the_alert_ends_later(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1, broken=["refill"])
    found = until(operator, operator.fire(), State.ESCALATED)
    assert found.episode.done[0].changed
    operator.world.put(level=9)
    operator.jobs.run()
    done = operator.incidents.get(found.id)
    assert (done.state, done.episode.cause_verified) == (State.RESOLVED, False)
    assert [attempt.outcome for attempt in done.attempts] == ["act_failed"]
    assert (
        done.episode.resolution
        == "No act of a person is recorded, so what ended the alerts is unknown."
    )


@pytest.mark.parametrize(("joins", "severity"), [("P1", "P1"), ("P2", "P2"), ("P3", "P2")])
def test_a_worse_alert_that_joins_raises_the_incident_and_a_lesser_one_does_not(
    operator, joins, severity
):
    found = handed_over(operator)
    operator.fire(instance="b", severity=joins)
    pass_time(operator, 60)
    after = operator.incidents.get(found.id)
    assert (found.severity, after.severity) == ("P2", severity)
    raised = [text for text in operator.texts(found.id) if text.startswith("Raised from P2 to P1")]
    assert len(raised) == (1 if severity == "P1" else 0)


def test_who_was_written_to_about_a_lesser_incident_is_paged_about_a_worse_one(tmp_path):
    operator = make_operator(tmp_path, page=PAGE.replace("severity: P2", "severity: P3"))
    found = handed_over(operator)
    assert not any(one.kind is Kind.PAGE for one in operator.outbox.about(found.id))
    operator.fire(instance="b", severity="P1")
    pass_time(operator, 60)
    assert found.episode.called
    assert set(found.episode.called) <= set(operator.incidents.get(found.id).episode.called)
    assert any(
        one.kind is Kind.PAGE and "P1" in one.text for one in operator.outbox.about(found.id)
    )


def test_an_alert_that_is_quiet_again_raises_nothing(operator):
    found = handed_over(operator)
    joined = operator.fire(instance="b", severity="P1").alerts[-1].alert
    operator.incidents.alert_resolved(joined.fingerprint, operator.clock.now())
    pass_time(operator, 60)
    assert operator.incidents.get(found.id).severity == "P2"
