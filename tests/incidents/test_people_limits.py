"""Details of what people do: whom it tells, what it leaves alone, and its limits on both sides."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.incidents.intake.desk import make_desk, sent
from tests.incidents.operator import until
from trimtab.incidents import State
from trimtab.incidents.errors import AlreadyAcknowledged, FollowUpUnknown, NotPossibleNow
from trimtab.incidents.model import IncidentSeverity
from trimtab.incidents.people import Declaration, People
from trimtab.kernel.errors import Unavailable

P0, P1, P2 = IncidentSeverity.P0, IncidentSeverity.P1, IncidentSeverity.P2


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path)


@pytest.fixture
def people(desk):
    return People(desk.incidents.context, desk.incidents, desk.intake)


@pytest.fixture
def escalated(desk):
    desk.webhook(sent(severity="critical"))
    (incident,) = desk.open()
    return until(desk.operator, incident, State.ESCALATED)


def last(desk, incident):
    return desk.incidents.timeline(incident.id)[-1]


def put(desk, incident, state):
    """Let the incident be in that state, whatever led to it."""
    store = desk.operator.context.store
    store.change(incident.id, lambda fresh: replace(fresh, state=state), desk.clock.now())


def test_a_declared_incident_has_all_that_the_person_said(desk, people):
    given = Declaration("Checkout is down", P1, "checkout", "SHOP", "Customers report 502.")
    incident = people.declare(given, "alice")
    alert = incident.alert
    assert alert.labels == {
        "alertname": "DeclaredIncident",
        "severity": "P1",
        "component": "checkout",
        "system": "SHOP",
    }
    assert alert.annotations == {"title": "Checkout is down", "summary": "Customers report 502."}
    assert alert.source == "declared"
    assert last(desk, incident).actor == "alice"


def test_a_declared_incident_without_a_component_has_no_such_label(desk, people):
    incident = people.declare(Declaration("Slow", P2), "alice")
    assert incident.alert.labels == {"alertname": "DeclaredIncident", "severity": "P2"}
    assert last(desk, incident).text == "Declared by alice."


def test_a_declared_incident_that_cannot_be_opened_now_is_told_and_opens_later(desk, people):
    store = desk.operator.context.store
    opens = store.open
    store.open = lambda *_: (_ for _ in ()).throw(OSError("disk full"))
    with pytest.raises(Unavailable, match="was stored and is not open yet"):
        people.declare(Declaration("Slow", P2), "alice")
    store.open = opens
    desk.intake.process()
    assert [incident.title for incident in desk.open()] == ["Slow"]


def test_another_person_may_acknowledge_at_the_instant_at_which_the_first_one_ends(
    desk, people, escalated
):
    people.acknowledge(escalated.id, "alice", minutes=10)
    desk.later(minutes=9, seconds=59)
    with pytest.raises(AlreadyAcknowledged, match=r"alice acknowledged .* until 09:"):
        people.acknowledge(escalated.id, "bob")
    desk.later(seconds=1)
    now = desk.clock.now()
    kept = people.acknowledge(escalated.id, "bob").episode.acknowledged
    assert (kept.by, kept.at, kept.until) == ("bob", now, now + timedelta(minutes=30))


def test_an_acknowledgement_counts_until_its_end_and_not_at_it(desk, people, escalated):
    episode = people.acknowledge(escalated.id, "alice", minutes=10).episode
    until_ = episode.acknowledged.until
    assert episode.acknowledged_at(until_ - timedelta(seconds=1))
    assert not episode.acknowledged_at(until_)


def test_who_extends_an_acknowledgement_has_begun_with_the_first(desk, people, escalated):
    first = people.acknowledge(escalated.id, "alice").episode.acknowledged
    desk.later(minutes=5)
    again = people.acknowledge(escalated.id, "alice", minutes=60).episode.acknowledged
    assert again.at == first.at
    assert again.until == desk.clock.now() + timedelta(minutes=60)


def test_nobody_is_told_when_a_person_is_no_longer_responsible(desk, people, escalated):
    people.assign(escalated.id, "carol", "alice")
    messages = len(desk.operator.outbox.about(escalated.id))
    assert people.assign(escalated.id, "", "alice").episode.assigned_to == ""
    assert len(desk.operator.outbox.about(escalated.id)) == messages
    assert last(desk, escalated).text == "Unassigned by alice."


@pytest.mark.parametrize(("severity", "again"), [(P0, True), (P1, False), (P2, False)])
def test_only_a_higher_severity_starts_the_ladder_again(desk, people, escalated, severity, again):
    called = escalated.episode.called
    changed = people.set_severity(escalated.id, severity, "alice", "many customers")
    assert changed.episode.called == (() if again else called)
    assert changed.severity is severity
    assert last(desk, escalated).text == f"Severity set to {severity} by alice: many customers."


def test_a_severity_that_a_person_set_is_told_in_the_alert_channels(desk, people, escalated):
    before = len(desk.operator.outbox.about(escalated.id))
    people.set_severity(escalated.id, P0, "alice")
    told = [each.text for each in desk.operator.outbox.about(escalated.id)[before:]]
    assert f"{escalated.id}: Severity set to P0 by alice." in told


def test_an_incident_that_people_have_already_keeps_its_time_when_it_is_taken_over(
    desk, people, escalated
):
    desk.later(minutes=5)
    taken = people.take_over(escalated.id, "alice")
    assert taken.state_since == escalated.state_since
    assert taken.episode.escalated_at == escalated.episode.escalated_at
    assert taken.episode.acknowledged.until == desk.clock.now() + timedelta(minutes=30)
    assert taken.episode.taken_over_by == taken.episode.assigned_to == "alice"


def test_an_incident_is_handed_to_people_when_a_person_takes_it_over(desk, people):
    desk.operator.world.put(tap=1, level=1)
    waiting = until(desk.operator, desk.operator.fire(), State.AWAITING_APPROVAL)
    taken = people.take_over(waiting.id, "alice")
    assert taken.state is State.ESCALATED
    assert taken.episode.escalated_at == taken.state_since == desk.clock.now()


def test_an_incident_that_was_taken_over_and_goes_on_is_not_handed_back(desk, people, escalated):
    people.take_over(escalated.id, "alice")
    put(desk, escalated, State.TRIAGED)
    with pytest.raises(NotPossibleNow, match="taken"):
        people.hand_back(escalated.id, "alice")


def test_an_incident_that_nobody_has_yet_is_taken_over_by_who_resolves_it(desk, people):
    declared = people.declare(Declaration("Slow", P2), "alice")
    ended = people.resolve(declared.id, "bob", "a full disk", "Deleted logs.")
    assert ended.state is State.RESTORED
    assert (ended.episode.taken_over_by, ended.episode.closed_by) == ("bob", "bob")


def test_an_escalated_incident_is_resolved_without_being_taken_over(desk, people):
    declared = until(
        desk.operator, people.declare(Declaration("Slow", P1), "alice"), State.ESCALATED
    )
    ended = people.resolve(declared.id, "bob", "a full disk", "Deleted logs.")
    assert (ended.episode.taken_over_by, ended.episode.closed_by) == ("", "bob")


def test_an_incident_has_100_follow_ups_at_most(desk, people, escalated):
    for number in range(1, 101):
        added = people.add_follow_up(escalated.id, f"Do {number}", "alice")
        assert added.follow_ups[-1].id == f"F{number}"
    with pytest.raises(NotPossibleNow, match="100 follow-ups already"):
        people.add_follow_up(escalated.id, "One more", "alice")


def test_a_follow_up_is_told_with_its_owner_and_done_once(desk, people, escalated):
    people.add_follow_up(escalated.id, "Larger disk", "alice", "bob")
    assert last(desk, escalated).text == "Follow-up by alice: Larger disk (owner: bob)."
    people.add_follow_up(escalated.id, "Alert earlier", "alice")
    assert last(desk, escalated).text == "Follow-up by alice: Alert earlier."
    (first, second) = people.finish_follow_up(escalated.id, "F1", "carol").follow_ups
    assert (first.done_by, first.done_at) == ("carol", desk.clock.now())
    assert (second.done_by, second.done_at) == ("", None)
    with pytest.raises(FollowUpUnknown, match="no follow-up 'F3'"):
        people.finish_follow_up(escalated.id, "F3", "carol")


def test_the_journal_and_the_audit_chain_say_what_kind_of_work_it_was(desk, people, escalated):
    people.note(escalated.id, "Looks like the disk.", "bob")
    assert last(desk, escalated).facts == {"person": "noted"}
    (event,) = desk.operator.audit.recent(1)
    assert json.loads(event.facts) == {"opening": 1}


@pytest.mark.parametrize("state", [State.RESTORED, State.RESOLVED])
def test_nobody_works_on_an_incident_that_is_over(desk, people, escalated, state):
    for following in (State.RESTORED, state):
        put(desk, escalated, following)
    for work in (
        lambda: people.acknowledge(escalated.id, "a"),
        lambda: people.assign(escalated.id, "b", "a"),
        lambda: people.set_severity(escalated.id, P0, "a"),
        lambda: people.take_over(escalated.id, "a"),
        lambda: people.resolve(escalated.id, "a", "x", "y"),
    ):
        with pytest.raises(NotPossibleNow, match=f"is over: it is {state}"):
            work()


@pytest.mark.parametrize("states", [[State.EXECUTING], [State.EXECUTING, State.UNDOING]])
def test_nobody_takes_over_an_act_that_runs(desk, people, states):
    desk.operator.world.put(tap=1, level=1)
    incident = until(desk.operator, desk.operator.fire(), State.AWAITING_APPROVAL)
    for state in states:
        put(desk, incident, state)
    with pytest.raises(NotPossibleNow, match="act of the plan"):
        people.take_over(incident.id, "alice")


def test_a_resolved_incident_is_not_woken_by_a_note(desk, people, escalated):
    desk.webhook(sent("resolved", severity="critical"))
    desk.operator.jobs.run()
    desk.operator.jobs._jobs.clear()
    people.note(escalated.id, "It was the disk.", "bob")
    assert desk.operator.jobs._jobs == {}


def test_who_works_on_an_incident_wakes_its_job(desk, people, escalated):
    desk.operator.jobs._jobs.clear()
    people.note(escalated.id, "It was the disk.", "bob")
    assert len(desk.operator.jobs._jobs) == 1
