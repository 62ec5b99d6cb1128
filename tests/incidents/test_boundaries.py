"""Both sides of the operator's times: when it waits, for how long, and when it gives up waiting."""

from collections import deque
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.incidents.operator import alert, make_operator, until
from tests.incidents.records import START, drift_alert, drift_incident
from tests.incidents.world import PAGE, TAP
from trimtab.incidents import AttemptOutcome, State
from trimtab.incidents.approvals import await_approval
from trimtab.incidents.clocks import read_clocks
from trimtab.incidents.diagnose import diagnose, investigate
from trimtab.incidents.errors import NothingToDecide
from trimtab.incidents.escalation import seconds_to_next_rung
from trimtab.incidents.ladders import load_ladders
from trimtab.incidents.loop import Loop
from trimtab.incidents.model import Watch
from trimtab.incidents.verify import recovery_hold, verify, watch_escalated

LADDERS = load_ladders()


def before_expiry(operator, incident, seconds):
    expires = operator.incidents.approval(incident.id).expires_at
    operator.clock.advance((expires - operator.clock.now()).total_seconds() - seconds)


@pytest.mark.parametrize(("left", "pause"), [(3000, 60), (60, 60), (59, 59)])
def test_an_answer_is_looked_for_every_minute_and_at_the_end(waiting, left, pause):
    operator, incident = waiting
    before_expiry(operator, incident, left)
    assert await_approval(operator.context, incident).pause_seconds == pause


def test_a_question_that_was_lost_counts_as_not_answered(waiting):
    operator, incident = waiting
    lost = incident.updated(plan=replace(incident.episode.plan, hash="plan_unknown"))
    transition = await_approval(operator.context, lost)
    assert transition.incident.state is State.ESCALATED
    assert [attempt.outcome for attempt in transition.incident.attempts] == [
        AttemptOutcome.NOT_ANSWERED
    ]


def test_a_plan_is_not_run_when_the_alert_goes_quiet_before_its_approval(waiting):
    operator, incident = waiting
    operator.world.put(level=9, tap=0)
    after = until(operator, incident, State.RESOLVED)
    assert operator.effects() == []
    assert after.episode.plan is None
    assert "The alert is quiet again before the plan was approved" in " ".join(
        operator.texts(incident.id)
    )


@pytest.mark.parametrize(("left", "accepted"), [(0.001, True), (0, False)])
def test_an_answer_at_the_very_end_is_too_late(waiting, left, accepted):
    operator, incident = waiting
    before_expiry(operator, incident, left)
    if accepted:
        assert operator.incidents.approve(incident.id, incident.episode.plan.hash, "alice").decision
    else:
        with pytest.raises(NothingToDecide):
            operator.incidents.approve(incident.id, incident.episode.plan.hash, "alice")


def test_an_approved_plan_runs_at_once_and_not_at_the_next_look(waiting):
    operator, incident = waiting
    approved_at = operator.clock.now()
    operator.incidents.approve(incident.id, incident.episode.plan.hash, "alice")
    operator.jobs.run(until=lambda: operator.effects() != [])
    assert operator.effects() != []
    assert operator.clock.now() == approved_at


def test_the_acts_of_a_plan_are_named_only_to_who_has_read_this_plan(waiting):
    operator, incident = waiting
    named = operator.incidents.planned
    assert named(incident.id, incident.episode.plan.hash) == ("tank.close_tap", "tank.refill")
    assert named(incident.id, "plan_other") == ()
    assert named(operator.fire(component="other").id, incident.episode.plan.hash) == ()


@pytest.mark.parametrize(("seconds", "state"), [(119, State.TRIAGED), (120, State.ESCALATED)])
def test_evidence_is_looked_for_two_minutes_long(operator, seconds, state):
    operator.world.put(level=1)
    fired = operator.fire()
    since = fired.updated(state=State.TRIAGED, state_since=operator.clock.now())
    operator.clock.advance(seconds)
    transition = diagnose(operator.context, since)
    assert transition.incident.state is state
    assert transition.pause_seconds == (5.0 if state is State.TRIAGED else 0.0)


def test_a_diagnosis_that_abstains_has_no_confidence(operator):
    operator.world.put(level=1)
    found = investigate(operator.context, operator.fire())
    assert (found.cause_id, found.confidence, found.recommended) == ("", 0.0, ())
    assert found.abstained_because == "no cause is supported by its evidence"


@pytest.mark.parametrize(("more", "chosen"), [(0.0, TAP), (0.001, "")])
def test_a_cause_is_tried_from_exactly_the_least_confidence_on(tmp_path, more, chosen):
    operator = make_operator(tmp_path, min_confidence=round(4 / 5.125, 3) + more)
    operator.world.put(tap=1, level=1)
    assert investigate(operator.context, operator.fire()).cause_id == chosen


@pytest.mark.parametrize(("hold", "pause"), [(20, 5.0), (60, 6.0), (290, 29.0), (330, 30.0)])
def test_while_verifying_it_looks_ten_times_a_hold_and_twice_a_minute_at_least(
    tmp_path, hold, pause
):
    page = PAGE.replace("--for 60s --give-up 10m", f"--for {hold}s --give-up 10m")
    operator = make_operator(tmp_path, page=page)
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    found = until(operator, operator.fire(), State.VERIFYING)
    watched = found.updated(watch=Watch(operator.clock.now()))
    assert verify(operator.context, watched).pause_seconds == pause


def test_an_escalated_incident_is_looked_at_every_five_minutes(operator):
    operator.world.put(level=1)
    found = until(operator, operator.fire(), State.ESCALATED)
    assert watch_escalated(operator.context, found).pause_seconds == 300
    operator.world.put(level=9)
    operator.world.sampled_since = lambda _at: False
    quiet = found.updated(watch=Watch(START, START))
    operator.clock.advance(60)
    assert watch_escalated(operator.context, quiet).pause_seconds == 300


def test_an_alert_that_went_quiet_must_stay_so_for_exactly_the_hold(operator):
    incident = operator.fire()
    assert recovery_hold(operator.context, incident) == 60
    operator.jobs.run()
    done = operator.incidents.get(incident.id)
    assert (done.episode.restored_at - done.episode.opened_at).total_seconds() == 60


@pytest.mark.parametrize(("seconds", "state"), [(59, State.ESCALATED), (60, State.RESTORED)])
def test_an_escalated_incident_is_over_at_the_end_of_the_hold(operator, seconds, state):
    operator.world.put(level=1)
    found = until(operator, operator.fire(), State.ESCALATED)
    operator.world.put(level=9)
    now = operator.clock.now()
    operator.clock.advance(seconds)
    transition = watch_escalated(operator.context, found.updated(watch=Watch(now, now)))
    assert transition.incident.state is state
    if state is State.ESCALATED:
        assert transition.pause_seconds == 1.0


@pytest.mark.parametrize(("seconds", "state"), [(599, State.VERIFYING), (600, State.UNDOING)])
def test_a_fix_has_exactly_its_time_to_help(operator, seconds, state):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    found = until(operator, operator.fire(), State.VERIFYING)
    operator.world.put(level=1)
    began = operator.clock.now()
    operator.clock.advance(seconds)
    transition = verify(operator.context, found.updated(watch=Watch(began)))
    assert transition.incident.state is state


@pytest.mark.parametrize(("minutes", "seconds", "opening"), [(30, 0, 2), (30, 1, 1)])
def test_an_alert_reopens_its_incident_for_exactly_half_an_hour(
    operator, minutes, seconds, opening
):
    operator.fire()
    operator.jobs.run()
    (done,) = operator.incidents.list()
    back = done.episode.resolved_at + timedelta(minutes=minutes, seconds=seconds)
    operator.clock.advance((back - operator.clock.now()).total_seconds())
    assert operator.fire().episode.number == opening


def test_an_alert_that_the_incident_did_not_have_does_not_reopen_it(operator):
    first = operator.fire()
    operator.jobs.run()
    other = operator.fire(instance="b")
    assert other.id != first.id


def test_neither_a_drills_incident_nor_an_incident_during_a_drill_is_reopened(operator):
    with operator.incidents.drill():
        drilled = operator.fire()
    operator.jobs.run()
    after = operator.fire()
    assert (after.id != drilled.id, after.drill) == (True, False)
    operator.jobs.run()
    with operator.incidents.drill():
        during = operator.fire()
    assert (during.id != after.id, during.drill) == (True, True)


@pytest.mark.parametrize(("seconds", "breached"), [(300, False), (301, True)])
def test_a_clock_runs_over_after_its_limit_and_not_at_it(seconds, breached):
    incident = drift_incident(triaged_at=None, diagnosed_at=None, restored_at=None)
    triage, investigation, *_ = read_clocks(
        incident, LADDERS["agentops"], START + timedelta(seconds=seconds)
    )
    assert (triage.breached, triage.limit_seconds) == (breached, 300)
    assert (investigation.elapsed_seconds, investigation.breached) == (0.0, False)


@pytest.mark.parametrize(("seconds", "breached"), [(3659, False), (3660, True)])
def test_the_escalation_clock_runs_over_a_minute_after_a_call_that_was_not_made(seconds, breached):
    incident = drift_incident(restored_at=None)
    *_, clock = read_clocks(incident, LADDERS["agentops"], START + timedelta(seconds=seconds))
    assert (clock.breached, clock.limit_seconds) == (breached, None)


def test_the_escalation_clock_names_the_next_call_until_the_incident_is_over():
    at = START + timedelta(minutes=10)
    *_, clock = read_clocks(drift_incident(restored_at=None), LADDERS["agentops"], at)
    assert (clock.limit_seconds, clock.breached) == (3600, False)
    late = START + timedelta(days=1)
    *_, ended = read_clocks(drift_incident(restored_at=late), LADDERS["agentops"], late)
    assert (ended.limit_seconds, ended.breached) == (None, False)


def test_the_next_rung_is_the_one_after_the_one_that_is_due(operator):
    ladder = LADDERS["hybrid"]
    incident = drift_incident(restored_at=None)
    assert ladder.next_after(incident, timedelta(minutes=15)) == timedelta(minutes=15)
    assert ladder.next_after(incident, timedelta(minutes=60)) is None
    fired = operator.fire().updated(opened_at=operator.clock.now() - timedelta(minutes=10))
    assert seconds_to_next_rung(operator.context, fired) == 300
    old = fired.updated(opened_at=operator.clock.now() - timedelta(hours=5))
    assert seconds_to_next_rung(operator.context, old) is None


@pytest.mark.parametrize(("after", "seconds"), [("30s", 30), ("2m", 120), ("1h", 3600)])
def test_a_ladder_counts_in_seconds_minutes_or_hours(tmp_path, after, seconds):
    (tmp_path / "own.yaml").write_text(f"own: {{system: X, rungs: [{{who: B, after: {after}}}]}}")
    ladder = load_ladders(str(tmp_path / "own.yaml"))["own"]
    incident = drift_incident(restored_at=None)
    assert ladder.due(incident, timedelta(seconds=seconds - 1)) == ()
    assert [rung.role for rung in ladder.due(incident, timedelta(seconds=seconds))] == ["B"]


class Recorded:
    """A job's run that writes down its steps and waits."""

    def __init__(self, answers):
        self.steps, self.waits, self._answers = [], [], deque(answers)

    def step(self, name, _do):
        self.steps.append(name)
        return self._answers.popleft()

    def wait_for(self, topic, seconds):
        self.waits.append((topic, seconds))


def test_the_job_numbers_its_turns_from_zero_and_waits_only_when_there_is_nothing_to_do(operator):
    run = Recorded([0.0, 0.05, 7.0, 0.0, -1.0])
    ended = Loop(operator.context).body(run, {"incident_id": "INC-1", "opening": 1})
    assert run.steps == [f"turn {number}" for number in range(5)]
    assert run.waits == [("wake", 0.05), ("wake", 7.0)]
    assert ended == {"incident_id": "INC-1", "turns": 5}


def test_a_turn_tells_how_long_there_is_nothing_to_do(tmp_path):
    operator = make_operator(tmp_path, page=PAGE.replace("severity: P2", "severity: P1"))
    operator.world.put(level=1)
    incident = operator.fire()
    loop = Loop(operator.context)
    # Triaged, the first rung called, then looking for evidence.
    assert [loop.advance(incident.id, 1) for _ in range(3)] == [0.0, 0.0, 5.0]
    assert operator.incidents.get(incident.id).episode.called == ("On-Call Engineer",)
    operator.clock.advance(299.99)
    operator.context.store.change(
        incident.id,
        lambda fresh: fresh.updated(state_since=operator.clock.now()),
        operator.clock.now(),
    )
    # Not beyond the next rung, and never less than the shortest pause.
    assert loop.advance(incident.id, 1) == 0.05
    assert loop.advance(incident.id, 2) == -1


def test_an_operator_that_fails_hands_over_at_once_and_later_looks_every_minute(operator):
    operator.world.put(level=1)
    incident = operator.fire()
    operator.world.firing = lambda _fingerprint: 1 / 0
    loop = Loop(operator.context)
    assert loop.advance(incident.id, 1) == 0.0
    while operator.incidents.get(incident.id).state is not State.ESCALATED:
        assert loop.advance(incident.id, 1) == 0.0
    assert loop.advance(incident.id, 1) == 60.0
    assert operator.incidents.get(incident.id).state is State.ESCALATED


def test_a_drill_waits_for_no_rung(tmp_path):
    operator = make_operator(tmp_path, page=PAGE.replace("severity: P2", "severity: P1"))
    operator.world.put(level=1)
    with operator.incidents.drill():
        incident = operator.fire()
    loop = Loop(operator.context)
    operator.clock.advance(299)
    loop.advance(incident.id, 1)
    assert loop.advance(incident.id, 1) == 5.0


def test_alerts_and_people_wake_the_job_that_waits(waiting):
    operator, incident = waiting
    sent = []
    send = operator.jobs.send
    operator.jobs.send = lambda job, topic, message: sent.append(topic) or send(job, topic, message)
    operator.incidents.alert_fired(alert(operator.clock.now(), instance="b"))
    assert len(sent) == 1
    # The message that the job has not heeded stands for these, too.
    operator.incidents.alert_resolved(incident.alert.fingerprint, operator.clock.now())
    operator.incidents.reject(incident.id, incident.episode.plan.hash, "bob")
    assert len(sent) == 1
    until(operator, incident, State.ESCALATED)
    operator.incidents.alert_fired(alert(operator.clock.now(), instance="c"))
    assert len(sent) == 2
    operator.world.put(level=9)
    operator.incidents.close(incident.id, "alice")
    assert sent == ["wake"] * 2


def test_the_alert_that_opened_an_incident_stays_its_first_one(operator):
    operator.world.put(tap=1, level=1)
    first = operator.fire()
    operator.fire(instance="b")
    operator.incidents.alert_resolved(first.alert.fingerprint, operator.clock.now())
    operator.clock.advance(60)
    again = operator.fire()
    assert again.alert.fingerprint == first.alert.fingerprint
    assert again.alert.fired_at == operator.clock.now()
    assert [one.firing for one in again.alerts] == [True, True]
    later = operator.fire(instance="c")
    assert len(later.alerts) == 3
    assert later.alert.fingerprint == first.alert.fingerprint


def test_an_alert_counts_as_pending_for_no_time_unless_it_says_so():
    assert drift_alert().pending_seconds == 0.0
