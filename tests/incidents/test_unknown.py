"""Checks that the samples cannot tell are neither healthy nor a reason to call anybody."""

import pytest

from tests.incidents.operator import make_operator, until
from tests.incidents.world import PAGE, TAP
from trimtab.incidents import State
from trimtab.incidents.errors import NothingToClose, StillFiring

ESCALATE = PAGE.rstrip() + "\n```sh\ntrimtab check 'pump_ok == 1'\n```\n"


def broken(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    return operator.fire()


def unverified(operator):
    """Return an incident whose fix has run and whose verify the samples cannot tell."""
    operator.world.put(unsampled=["tank_level"])
    return until(operator, broken(operator), State.NOT_VERIFIED)


def test_a_verification_that_cannot_tell_ends_as_not_verified(operator):
    found = unverified(operator)
    waited = (found.state_since - found.episode.opened_at).total_seconds()
    assert waited >= 600
    assert operator.effects() == ["close_tap", "refill"]
    assert found.attempts == ()
    assert operator.context.store.worked_ever() == {}
    texts = " ".join(operator.texts(found.id))
    assert "Not verified: whether it is over is unknown from the samples" in texts
    assert "no samples of tank_level" in texts
    assert "Root cause identified" not in operator.incidents.postmortem(found.id)
    assert not any(m.kind == "page" for m in operator.outbox.about(found.id))


def test_when_the_samples_can_tell_in_time_it_is_verified(operator):
    operator.world.put(unsampled=["tank_level"])
    incident = broken(operator)
    until(operator, incident, State.VERIFYING)
    operator.world.put(unsampled=[])
    operator.jobs.run()
    done = operator.incidents.get(incident.id)
    assert (done.state, done.episode.cause_verified) == (State.RESOLVED, True)


def test_when_the_samples_can_tell_after_all_it_is_verified_without_a_person(operator):
    found = unverified(operator)
    operator.world.put(unsampled=[])
    operator.jobs.run()
    done = operator.incidents.get(found.id)
    assert (done.state, done.episode.cause_verified, done.episode.closed_by) == (
        State.RESOLVED,
        True,
        "",
    )


def test_an_alert_that_fires_again_ends_the_wait_and_the_fix_is_not_tried_again(operator):
    found = unverified(operator)
    operator.world.put(level=1, tap=1)
    after = until(operator, found, State.ESCALATED)
    assert [attempt.outcome for attempt in after.attempts] == ["not_verified"]
    assert operator.effects() == ["close_tap", "refill"]


def test_a_person_closes_what_is_not_verified_and_the_records_say_so(operator):
    found = unverified(operator)
    operator.incidents.close(found.id, "alice", "looked at the gauge")
    operator.jobs.run()
    done = operator.incidents.get(found.id)
    assert (done.state, done.episode.closed_by, done.episode.cause_verified) == (
        State.RESOLVED,
        "alice",
        False,
    )
    assert done.episode.resolution.endswith("Closed by a person; not verified.")
    assert "Closed by alice; not verified by trimtab: looked at the gauge." in operator.texts(
        found.id
    )
    assert "Closed by a person, not verified (resolution)" in done.episode.postmortem
    assert "alice" not in done.episode.postmortem
    assert [attempt.outcome for attempt in done.attempts] == ["not_verified"]
    assert operator.context.store.worked_ever() == {}
    acted = [(event.actor, event.action) for event in operator.audit.recent()]
    assert ("alice", "incidents.closed") in acted


def test_what_still_fires_or_is_still_worked_on_cannot_be_closed(operator):
    incident = broken(operator)
    with pytest.raises(StillFiring):
        operator.incidents.close(incident.id, "alice")
    operator.world.put(level=9)
    with pytest.raises(NothingToClose):
        operator.incidents.close(incident.id, "alice")


def test_an_escalation_check_that_cannot_tell_calls_nobody(tmp_path):
    operator = make_operator(tmp_path, page=ESCALATE)
    operator.world.put(level=1, unsampled=["pump_ok"])
    incident = operator.fire()
    found = until(operator, incident, State.ESCALATED)
    assert found.episode.conditions == ()
    assert "`pump_ok == 1` holds" not in " ".join(operator.texts(incident.id))


def test_an_escalation_check_that_holds_calls(tmp_path):
    operator = make_operator(tmp_path, page=ESCALATE)
    operator.world.put(level=1)
    incident = operator.fire()
    found = until(operator, incident, State.ESCALATED)
    assert found.episode.conditions == ("pump_ok == 1",)


def test_evidence_that_cannot_be_told_supports_no_cause(operator):
    operator.world.put(unsampled=["tap_open"])
    found = until(operator, broken(operator), State.ESCALATED)
    assert operator.effects() == []
    (tap, *_) = [each for each in found.episode.diagnosis.candidates if each.cause_id == TAP]
    assert (tap.supported, tap.findings[0].holds) == (False, None)
    assert found.episode.diagnosis.abstained_because.endswith(
        "part of it is unknown from the samples"
    )


def test_an_approved_plan_whose_evidence_cannot_be_told_any_more_does_not_run(operator):
    operator.world.put(tap=1, level=1)
    waiting = until(operator, operator.fire(), State.AWAITING_APPROVAL)
    operator.incidents.approve(waiting.id, waiting.episode.plan.hash, "alice")
    operator.world.put(unsampled=["tap_open"])
    until(operator, waiting, State.ESCALATED)
    assert operator.effects() == []
    assert "is not known to hold any longer" in " ".join(operator.texts(waiting.id))


def test_alerts_that_are_quiet_because_nothing_is_measured_are_not_over(operator):
    operator.world.put(level=1)
    found = until(operator, operator.fire(), State.ESCALATED)
    operator.world.put(level=9)
    operator.world.sampled_since = lambda _at: False
    later = operator.clock.monotonic() + 3600
    operator.jobs.run(until=lambda: operator.clock.monotonic() > later)
    assert operator.incidents.get(found.id).state is State.ESCALATED
    operator.world.sampled_since = lambda _at: True
    operator.jobs.run()
    assert operator.incidents.get(found.id).state is State.RESOLVED


def test_the_unverified_incident_of_a_drill_ends_when_its_fault_is_gone(operator):
    operator.world.put(unsampled=["tank_level"])
    with operator.incidents.drill():
        incident = broken(operator)
    until(operator, incident, State.NOT_VERIFIED)
    operator.jobs.run()
    done = operator.incidents.get(incident.id)
    assert (done.state, done.episode.cause_verified) == (State.RESOLVED, False)


def test_an_idle_service_is_probed_until_the_samples_can_tell(operator):
    sent = []

    def probe():
        sent.append(operator.clock.now())
        if len(sent) == 3:
            operator.world.put(unsampled=[])

    object.__setattr__(operator.context, "probe", probe)
    operator.world.put(unsampled=["tank_level"])
    incident = broken(operator)
    operator.jobs.run()
    done = operator.incidents.get(incident.id)
    assert (done.state, done.episode.cause_verified, len(sent)) == (State.RESOLVED, True, 3)
    texts = operator.texts(incident.id)
    assert texts.count("The samples cannot tell yet: trimtab sends probes of its own.") == 1


def test_a_probe_that_fails_is_written_down_and_verifies_nothing(operator):
    object.__setattr__(operator.context, "probe", lambda: 1 / 0)
    found = unverified(operator)
    assert "A probe of trimtab's own failed: ZeroDivisionError" in " ".join(
        operator.texts(found.id)
    )


def test_a_service_that_can_be_judged_is_not_probed(operator):
    sent = []
    object.__setattr__(operator.context, "probe", lambda: sent.append(1))
    incident = broken(operator)
    operator.jobs.run()
    assert operator.incidents.get(incident.id).state is State.RESOLVED
    assert sent == []
