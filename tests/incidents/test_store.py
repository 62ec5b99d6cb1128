"""What the store keeps, refuses and tells, asked directly."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.incidents.records import drift_incident
from tests.incidents.world import TAP
from trimtab.incidents import State
from trimtab.incidents.errors import GroupOpen, IllegalTransition, IncidentUnknown, NothingToDecide
from trimtab.incidents.model import Attempt, AttemptOutcome, PlanApproval
from trimtab.incidents.transition import NewEntry, Transition, moved


@pytest.fixture
def kept(operator):
    operator.world.put(tap=1, level=1)
    return operator.context.store, operator.fire(), operator


def listened(store):
    told = []
    store.listen(told.append)
    return told


def test_each_commit_is_told_once_and_what_changes_nothing_is_not(kept):
    store, incident, operator = kept
    told, now = listened(store), operator.clock.now()
    store.note(incident, now, NewEntry("a", "A."))
    assert len(told) == 1
    store.change(incident.id, lambda fresh: fresh.updated(impact="some"), now)
    assert len(told) == 2
    store.begin_act(incident, "key", "tank.refill", now, NewEntry("b", "B."))
    assert len(told) == 3
    fresh = store.get(incident.id)
    assert store.apply(fresh, Transition(fresh.updated(impact="more")), now) is True
    assert told == [incident.id] * 4
    assert store.change(incident.id, lambda _fresh: None, now).episode.impact == "more"
    fresh = store.get(incident.id)
    assert store.apply(fresh, Transition(fresh), now) is True
    assert len(told) == 4
    operator.fire(component="other")
    assert len(told) == 5


def test_a_change_is_written_down_with_its_entries(kept):
    store, incident, operator = kept
    now = operator.clock.now()
    entry = NewEntry("why", "Because.", "alice", {"reason": "x"})
    after = store.change(incident.id, lambda fresh: moved(fresh, State.TRIAGED, now), now, [entry])
    (written,) = store.timeline(incident.id, 1)
    assert (written.text, written.actor, dict(written.facts)) == (
        "Because.",
        "alice",
        {"reason": "x"},
    )
    assert (written.stage, written.at) == (after.state, now)


def test_of_entries_with_the_same_key_the_first_is_kept_in_its_place(kept):
    store, incident, operator = kept
    now = operator.clock.now()
    store.note(incident, now, NewEntry("a", "A."), NewEntry("b", "B."), NewEntry("a", "Again."))
    store.note(incident, now, NewEntry("b", "Later."), NewEntry("c", "C."), NewEntry("c", "Twice."))
    written = store.timeline(incident.id)[1:]
    assert [(entry.seq, entry.text) for entry in written] == [(2, "A."), (3, "B."), (4, "C.")]


def test_a_decision_is_told(kept):
    store, incident, operator = kept
    operator.jobs.run(
        until=lambda: operator.incidents.get(incident.id).state is State.AWAITING_APPROVAL
    )
    told = listened(store)
    operator.incidents.reject(
        incident.id, operator.incidents.get(incident.id).episode.plan.hash, "bob"
    )
    assert told == [incident.id]


def test_a_turn_on_an_incident_that_has_moved_on_is_not_applied(kept):
    store, incident, operator = kept
    told, now = listened(store), operator.clock.now()
    store.change(incident.id, lambda fresh: moved(fresh, State.TRIAGED, now), now)
    entry = NewEntry("late", "Too late.")
    assert store.apply(incident, Transition(incident.updated(impact="x"), (entry,)), now) is False
    assert store.get(incident.id).episode.impact == ""
    assert "Too late." not in operator.texts(incident.id)
    assert len(told) == 1


def test_a_turn_keeps_the_alerts_that_came_meanwhile(kept):
    store, incident, operator = kept
    operator.fire(instance="b")
    assert store.apply(incident, Transition(incident.updated(impact="x")), operator.clock.now())
    assert (store.get(incident.id).episode.impact, len(store.get(incident.id).alerts)) == ("x", 2)


def test_a_step_that_is_not_drawn_is_refused_in_every_way(kept):
    store, incident, operator = kept
    now = operator.clock.now()
    wrong = incident.updated(state=State.EXECUTING)
    with pytest.raises(IllegalTransition):
        store.change(incident.id, lambda _fresh: wrong, now)
    with pytest.raises(IllegalTransition):
        store.apply(incident, Transition(wrong), now)
    with pytest.raises(IllegalTransition):
        moved(incident, State.EXECUTING, now)
    assert store.get(incident.id).state is State.DETECTED


def test_an_act_is_known_as_begun_from_its_first_record_on(kept):
    store, incident, operator = kept
    first = operator.clock.now()
    assert not store.act_begun("key")
    assert store.begin_act(incident, "key", "tank.refill", first, NewEntry("a", "A.")) is None
    assert store.act_begun("key")
    assert not store.act_begun("other")
    operator.clock.advance(5)
    later = operator.clock.now()
    assert store.begin_act(incident, "key", "tank.refill", later, NewEntry("a", "A.")) == first
    assert operator.texts(incident.id).count("A.") == 1


def test_only_acts_that_nobody_approved_count_as_automatic_within_the_time(kept):
    store, incident, operator = kept
    at = operator.clock.now()
    approved = incident.updated(approved_by="alice")
    store.begin_act(incident, "a", "tank.refill", at, NewEntry("a", "A."))
    store.begin_act(approved, "b", "tank.refill", at, NewEntry("b", "B."))
    assert store.automatic_acts_since(at) == 1
    assert store.automatic_acts_since(at + timedelta(seconds=1)) == 0


def test_a_journal_can_be_read_from_its_end_and_belongs_to_one_incident(kept):
    store, incident, operator = kept
    other = operator.fire(component="other")
    assert store.timeline(incident.id, 1) == []
    for _ in range(2):
        store.note(incident, operator.clock.now(), NewEntry("a", "A."))
    store.note(other, operator.clock.now(), NewEntry("a", "A."))
    assert [(entry.seq, entry.text) for entry in store.timeline(incident.id, 1)] == [(2, "A.")]
    assert [entry.seq for entry in store.timeline(other.id)] == [1, 2]
    with pytest.raises(IncidentUnknown):
        store.timeline("INC-1", 5)


def test_a_question_belongs_to_one_incident_and_one_plan(kept):
    store, _, operator = kept
    operator.jobs.run(until=lambda: True)
    (waiting,) = operator.incidents.list()
    assert store.approval(waiting.id, waiting.episode.plan.hash).decision == ""
    assert store.approval(waiting.id, "plan_other") is None
    assert store.approval("INC-1", waiting.episode.plan.hash) is None


def test_a_decision_leaves_the_questions_of_other_plans_alone(kept):
    store, incident, operator = kept
    operator.jobs.run(until=lambda: True)
    waiting, other = operator.incidents.get(incident.id), operator.fire(component="other")
    now = operator.clock.now()
    earlier = PlanApproval(waiting.id, "plan_earlier", now, now + timedelta(hours=1))
    elsewhere = PlanApproval(other.id, waiting.episode.plan.hash, now, now + timedelta(hours=1))
    for question in (earlier, elsewhere):
        fresh = store.get(waiting.id)
        store.apply(fresh, Transition(fresh, approval=question), now)
    operator.incidents.approve(waiting.id, waiting.episode.plan.hash, "alice")
    assert store.approval(waiting.id, waiting.episode.plan.hash).principal == "alice"
    assert store.approval(waiting.id, "plan_earlier").decision == ""
    assert store.approval(other.id, waiting.episode.plan.hash).decision == ""


def test_without_a_plan_or_its_question_there_is_nothing_to_decide(kept):
    store, incident, operator = kept
    operator.jobs.run(until=lambda: True)
    plan = operator.incidents.get(incident.id).episode.plan
    now = operator.clock.now()
    lost = replace(plan, hash="plan_lost")
    store.change(incident.id, lambda fresh: fresh.updated(plan=lost), now)
    with pytest.raises(NothingToDecide, match="answered before"):
        operator.incidents.approve(incident.id, "plan_lost", "alice")
    store.change(incident.id, lambda fresh: fresh.updated(plan=None), now)
    with pytest.raises(NothingToDecide, match="does not wait"):
        operator.incidents.approve(incident.id, plan.hash, "alice")
    assert operator.incidents.approval(incident.id) is None
    with pytest.raises(IncidentUnknown):
        operator.incidents.approve("INC-1", plan.hash, "alice")


def test_each_attempt_is_counted_once(kept):
    store, incident, operator = kept
    now = operator.clock.now()
    for number in (1, 2):
        attempt = Attempt(1, TAP, AttemptOutcome.WORKED, now)
        store.change(
            incident.id,
            lambda fresh, one=attempt: fresh.updated(attempts=(*fresh.attempts, one)),
            now,
        )
        assert store.worked_ever() == {TAP: number}
        store.change(incident.id, lambda fresh: fresh.updated(impact="x"), now)
    assert store.worked_since(TAP, incident.alert.fingerprint, now) == 2


def ended_at(name, at):
    return drift_incident(id=name, opened_at=at, state=State.RESOLVED)


def test_a_group_has_one_open_incident_whoever_opens_it(operator):
    """Two processes may both have seen none before they write."""
    store, at = operator.context.store, drift_incident().episode.opened_at
    store.open(lambda _: drift_incident(id="I1"), "x", ())
    with pytest.raises(GroupOpen):
        store.open(lambda _: drift_incident(id="I2"), "x", ())
    store.open(lambda _: drift_incident(id="I3", drill=True), "x", ())
    store.open(lambda _: ended_at("I4", at), "x", ())
    with pytest.raises(GroupOpen):
        store.change("I4", lambda found: found.updated(state=State.DETECTED), at)
    assert store.get("I4").state is State.RESOLVED


def test_the_newest_incident_of_a_group_is_the_one_that_is_joined(operator):
    store = operator.context.store
    opened = drift_incident().episode.opened_at
    for number in range(3):
        at = opened + timedelta(minutes=number % 2)
        store.open(lambda _id, n=number, at=at: ended_at(f"I{n}", at), "x", ())
    assert store.latest_of_group("drift").id == "I1"
    assert store.latest_of_group("other") is None


def test_a_proof_belongs_to_one_cause_and_one_page(operator):
    store, now = operator.context.store, operator.clock.now()
    store.add_proof("a", "hash", now, realism="real", reason="")
    store.add_proof("a", "hash", now, realism="simulated", reason="no tank is here")
    found = store.proof("a", "hash")
    assert (found["realism"], found["reason"]) == ("simulated", "no tank is here")
    assert found["passed_at"] == now.isoformat()
    assert store.proof("a", "other") is None
    assert store.proof("b", "hash") is None
