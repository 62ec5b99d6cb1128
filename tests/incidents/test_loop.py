"""The whole loop around the tank, in fake time."""

import pytest

from tests.incidents.operator import make_operator
from tests.incidents.world import PUMP, TAP
from trimtab.incidents import State
from trimtab.incidents.errors import NothingToDecide, PlanChanged
from trimtab.incidents.loop import WAKE, Loop, Wakes, job_id


def test_a_proven_automatic_fix_runs_by_itself_to_resolved(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    operator.jobs.run()
    done = operator.incidents.get(incident.id)
    assert done.state is State.RESOLVED
    assert operator.effects() == ["close_tap", "refill"]
    assert done.episode.root_cause == "the tap is open"
    assert "# Post-Mortem: INC-2026-0314" in done.episode.postmortem
    assert done.episode.approved_by == ""


def test_an_unproven_cause_is_proposed_and_runs_only_when_approved(operator):
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: True)
    waiting = operator.incidents.get(incident.id)
    assert waiting.state is State.AWAITING_APPROVAL
    assert waiting.episode.plan.approval_because == (
        "the drill of this cause has not passed on this build",
    )
    assert operator.effects() == []
    operator.incidents.approve(incident.id, waiting.episode.plan.hash, "alice")
    operator.jobs.run()
    done = operator.incidents.get(incident.id)
    assert (done.state, done.episode.approved_by) == (State.RESOLVED, "alice")


def test_an_action_of_risk_approval_asks_although_its_drill_has_passed(operator):
    operator.prove(PUMP)
    operator.world.put(pump=0, level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: True)
    waiting = operator.incidents.get(incident.id)
    assert waiting.episode.plan.approval_because == ("tank.swap_pump always asks",)
    assert "tank.swap_pump (repeatable): would do it" in waiting.episode.plan.blast_radius


def _at_approval(operator):
    operator.world.put(pump=0, level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: True)
    return operator.incidents.get(incident.id)


def test_no_answer_means_no_and_a_person_is_called(operator):
    incident = _at_approval(operator)
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    assert operator.effects() == []
    assert operator.clock.now() >= operator.incidents.approval(incident.id).expires_at
    assert "The plan does not run: no answer within 60 minutes." in operator.texts(incident.id)


def test_a_rejected_plan_does_not_run(operator):
    incident = _at_approval(operator)
    operator.incidents.reject(incident.id, incident.episode.plan.hash, "bob", "not today")
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    assert operator.effects() == []
    assert "bob rejected plan" in " ".join(operator.texts(incident.id))


def test_an_approval_of_another_plan_is_refused(operator):
    incident = _at_approval(operator)
    with pytest.raises(PlanChanged):
        operator.incidents.approve(incident.id, "plan_other", "alice")


def test_a_plan_is_decided_once(operator):
    incident = _at_approval(operator)
    operator.incidents.reject(incident.id, incident.episode.plan.hash, "bob")
    with pytest.raises(NothingToDecide):
        operator.incidents.approve(incident.id, incident.episode.plan.hash, "alice")


def test_an_answer_after_the_timeout_is_too_late(operator):
    incident = _at_approval(operator)
    operator.clock.advance(3601)
    with pytest.raises(NothingToDecide):
        operator.incidents.approve(incident.id, incident.episode.plan.hash, "alice")


def test_an_approved_plan_does_not_run_when_its_evidence_is_gone(operator):
    incident = _at_approval(operator)
    operator.incidents.approve(incident.id, incident.episode.plan.hash, "alice")
    operator.world.put(pump=1, tap=1)
    operator.jobs.run(
        until=lambda: operator.incidents.get(incident.id).episode.plan.cause_id == TAP
    )
    assert operator.effects() == []


def test_who_approved_is_in_the_audit_chain_before_anything_runs(operator):
    incident = _at_approval(operator)
    operator.incidents.approve(incident.id, incident.episode.plan.hash, "alice")
    operator.jobs.run()
    events = list(reversed(operator.audit.recent()))
    assert [(event.actor, event.action) for event in events] == [
        ("alice", "incidents.approved"),
        ("runbook:tank-empty", "incidents.acted"),
        ("operator", "incidents.resolved"),
    ]
    assert operator.audit.verify().problems == ()


def test_a_fix_that_does_not_help_is_undone_in_reverse_and_the_next_cause_is_tried(tmp_path):
    operator = make_operator(tmp_path, preapproved=("tank.swap_pump",))
    operator.prove(TAP, PUMP)
    operator.world.put(tap=1, pump=0, level=1)
    leak = operator.world.effect
    # The refill runs out again at once while the pump is broken.
    operator.world.effect = lambda context, what, **values: leak(
        context, what, **{**values, **({"level": 1} if what == "refill" else {})}
    )
    incident = operator.fire()
    operator.jobs.run()
    done = operator.incidents.get(incident.id)
    assert operator.effects() == ["close_tap", "refill", "drain", "open_tap", "swap_pump"]
    assert done.state is State.RESOLVED
    assert [attempt.outcome for attempt in done.attempts] == ["did_not_help", "worked"]


@pytest.mark.feature("F616")
def test_a_fix_that_does_not_resolve_it_is_taken_back_and_people_are_called(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    leak = operator.world.effect
    operator.world.effect = lambda context, what, **values: leak(
        context, what, **{**values, **({"level": 1} if what == "refill" else {})}
    )
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    done = operator.incidents.get(incident.id)
    assert operator.effects() == ["close_tap", "refill", "drain", "open_tap"]
    assert [attempt.outcome for attempt in done.attempts] == ["did_not_help"]
    failed = [text for text in operator.texts(incident.id) if "failed" in text]
    assert any(f"the fix for {TAP} failed" in text for text in failed), failed


def test_an_act_that_fails_takes_back_what_ran_before_it(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1, broken=["refill"])
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    assert operator.effects() == ["close_tap", "open_tap"]
    assert "tank.refill failed: refill is stuck." in operator.texts(incident.id)


def test_without_evidence_it_abstains_and_calls_a_person(operator):
    operator.world.put(level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    assert operator.effects() == []
    assert operator.incidents.get(incident.id).episode.diagnosis.abstained_because


def test_evidence_that_shows_a_little_later_is_still_found(operator):
    operator.prove(TAP)
    operator.world.put(level=1)
    operator.jobs.while_waiting = lambda _: (
        operator.world.put(tap=1) if operator.clock.monotonic() == 30 else None
    )
    incident = operator.fire()
    operator.jobs.run()
    assert operator.incidents.get(incident.id).episode.root_cause == "the tap is open"


def test_an_alert_that_goes_quiet_by_itself_is_resolved_without_an_act(operator):
    incident = operator.fire()
    operator.jobs.run()
    done = operator.incidents.get(incident.id)
    assert (done.state, done.episode.resolution) == (
        State.RESOLVED,
        "Ended by itself: no act is recorded.",
    )
    assert operator.effects() == []


def test_a_fix_that_worked_three_times_for_the_same_alert_is_barred_and_a_person_is_paged(operator):
    operator.prove(TAP)
    for _ in range(3):
        operator.world.put(tap=1, level=1)
        incident = operator.fire()
        operator.jobs.run()
        operator.clock.advance(3600)
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    assert operator.effects().count("close_tap") == 3
    assert "barred: it worked 3 times" in " ".join(operator.texts(incident.id))
    pages = [m for m in operator.outbox.about(incident.id) if m.channel == "#on-call"]
    assert len(pages) == 1


def test_beyond_the_hourly_budget_a_person_is_asked(tmp_path):
    operator = make_operator(tmp_path, automatic_acts_per_hour=1)
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: True)
    waiting = operator.incidents.get(incident.id)
    assert waiting.episode.plan.approval_because == ("0 of 1 automatic acts used this hour",)


def test_with_automatic_off_everything_is_asked(tmp_path):
    operator = make_operator(tmp_path, automatic=False)
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: True)
    assert operator.incidents.get(incident.id).episode.plan.approval_because == (
        "automatic acts are switched off",
    )


def _seconds_to_restore(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    operator.jobs.run()
    done = operator.incidents.get(incident.id)
    assert done.state is State.RESOLVED
    return (done.episode.restored_at - done.episode.opened_at).total_seconds()


def test_while_the_alert_still_fires_it_is_not_over_although_the_runbooks_checks_hold(operator):
    operator.world.firing = lambda _fingerprint: operator.clock.monotonic() < 300
    assert _seconds_to_restore(operator) >= 360


def test_without_fresh_samples_it_is_not_over_although_everything_looks_healthy(operator):
    operator.world.sampled_since = lambda _at: operator.clock.monotonic() >= 300
    assert _seconds_to_restore(operator) >= 360


def test_a_job_of_an_earlier_opening_leaves_the_incident_alone(operator):
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    assert Loop(operator.context).advance(incident.id, incident.episode.number + 1) == -1
    assert operator.incidents.get(incident.id).state is State.DETECTED


def test_the_ladders_clock_calls_nobody_in_a_drill(operator):
    operator.world.put(pump=0, level=1)
    with operator.incidents.drill():
        incident = operator.fire()
    operator.jobs.run(until=lambda: operator.clock.monotonic() > 3000)
    assert operator.clock.monotonic() > 3000
    assert operator.incidents.get(incident.id).episode.called == ()


def test_a_quiet_alert_alone_proves_no_fix(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    effect = operator.world.effect
    operator.world.effect = lambda context, what, **values: effect(
        context, what, **{**values, **({"level": 5} if what == "refill" else {})}
    )
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    (attempt,) = operator.incidents.get(incident.id).attempts
    assert attempt.outcome == "did_not_help"
    assert operator.effects() == ["close_tap", "refill", "drain", "open_tap"]


def test_a_job_has_one_message_however_often_it_is_woken_until_it_looks(operator):
    incident = _at_approval(operator)
    inbox = operator.jobs._find(job_id(incident)).inbox[WAKE]
    for _ in range(3):
        operator.incidents.wake(incident)
    assert len(inbox) == 1
    operator.jobs.run(until=lambda: not inbox)
    operator.incidents.wake(incident)
    assert len(inbox) == 1


def test_what_changes_while_a_job_looks_wakes_it_again(operator):
    incident, seen = _at_approval(operator), []
    inbox = operator.jobs._find(job_id(incident)).inbox[WAKE]
    get = operator.context.store.get

    def read(incident_id):
        found = get(incident_id)
        if not seen:
            seen.append(found.id)
            operator.incidents.wake(found)  # After it was read.
        return found

    operator.incidents.wake(incident)
    operator.context.store.get = read
    operator.jobs.run(until=lambda: seen != [])
    assert seen == [incident.id]
    assert len(inbox) == 1


def test_a_message_that_cannot_be_sent_is_sent_the_next_time():
    wakes, sent = Wakes(), []
    with pytest.raises(OSError, match="full"):
        wakes.send("job", lambda: (_ for _ in ()).throw(OSError("full")))
    wakes.send("job", lambda: sent.append(1))
    wakes.send("job", lambda: sent.append(2))
    assert sent == [1]
    wakes.heed("job")
    wakes.send("job", lambda: sent.append(3))
    assert sent == [1, 3]
