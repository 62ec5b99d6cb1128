"""People work on incidents: declared, acknowledged, taken over, handed back and resolved."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.incidents.intake.desk import make_desk, sent
from tests.incidents.operator import until
from tests.incidents.world import TAP
from trimtab.incidents import State, cause_text
from trimtab.incidents.errors import (
    AlreadyAcknowledged,
    FollowUpUnknown,
    NotPossibleNow,
    StillFiring,
)
from trimtab.incidents.model import IncidentSeverity
from trimtab.incidents.people import Declaration, People

P1, P3 = IncidentSeverity.P1, IncidentSeverity.P3


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


def run_for(desk, **time):
    begin = desk.clock.now()
    desk.operator.jobs.run(until=lambda: desk.clock.now() >= begin + timedelta(**time))


def called(desk, incident):
    return desk.incidents.get(incident.id).episode.called


def test_a_declared_incident_is_triaged_and_calls_people(desk, people):
    given = Declaration("Checkout is down", P1, "checkout", description="Customers report 502.")
    incident = people.declare(given, "alice")
    incident = until(desk.operator, incident, State.ESCALATED)
    assert (incident.title, incident.severity, incident.component) == (
        "Checkout is down",
        "P1",
        "checkout",
    )
    assert "Declared by alice: Customers report 502." in desk.operator.texts(incident.id)
    assert "On-Call Engineer" in incident.episode.called


def test_two_declared_incidents_are_two(desk, people):
    first = people.declare(Declaration("Slow", P3), "alice")
    second = people.declare(Declaration("Slow", P3), "alice")
    assert first.id != second.id


def test_a_declared_incident_is_resolved_by_a_person_with_its_cause(desk, people):
    incident = until(
        desk.operator, people.declare(Declaration("Slow", P1), "alice"), State.ESCALATED
    )
    people.resolve(incident.id, "bob", "a full disk", "Deleted old logs.")
    desk.operator.jobs.run()
    ended = desk.incidents.get(incident.id)
    assert ended.state is State.RESOLVED
    assert cause_text(ended) == "a full disk (stated by a person, not verified)"
    assert ended.episode.resolution.startswith("Deleted old logs.")
    assert "a full disk (stated by a person, not verified)" in desk.incidents.postmortem(
        incident.id
    )


def test_an_acknowledged_incident_pages_nobody_until_that_ends(desk, people, escalated):
    before = called(desk, escalated)
    until_ = people.acknowledge(escalated.id, "alice").episode.acknowledged.until
    assert until_ - desk.clock.now() == timedelta(minutes=30)
    run_for(desk, minutes=24)
    assert called(desk, escalated) == before
    desk.operator.jobs.run(until=lambda: "Team Lead" in called(desk, escalated))
    assert until_ <= desk.clock.now() <= until_ + timedelta(minutes=1)
    assert called(desk, escalated) == (*before, "Team Lead")
    passed = desk.incidents.get(escalated.id).episode.passed_over
    assert passed == ("Secondary On-Call Engineer",)


def test_the_clocks_go_on_while_it_is_acknowledged(desk, people, escalated):
    people.acknowledge(escalated.id, "alice", minutes=600)
    desk.later(hours=3)
    clocks = {clock.name: clock for clock in desk.incidents.clocks(escalated.id)}
    assert clocks["resolution"].breached


def test_of_two_people_who_acknowledge_at_once_the_second_learns_of_the_first(
    desk, people, escalated
):
    refused, begin = [], threading.Barrier(2)

    def acknowledge(name):
        begin.wait()
        try:
            people.acknowledge(escalated.id, name)
        except AlreadyAcknowledged as error:
            refused.append((name, error.message))

    threads = [threading.Thread(target=acknowledge, args=(name,)) for name in ("alice", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = desk.incidents.get(escalated.id).episode.acknowledged.by
    ((second, message),) = refused
    assert {kept, second} == {"alice", "bob"}
    assert message.startswith(f"{kept} acknowledged {escalated.id}")


def test_the_same_person_may_extend_and_another_may_follow_when_it_is_over(desk, people, escalated):
    people.acknowledge(escalated.id, "alice")
    people.acknowledge(escalated.id, "alice", minutes=5)
    desk.later(minutes=6)
    people.acknowledge(escalated.id, "bob")
    assert desk.incidents.get(escalated.id).episode.acknowledged.by == "bob"


def test_an_incident_that_is_taken_over_gets_no_plan_until_it_is_handed_back(desk, people):
    desk.operator.world.put(tap=1, level=1)
    incident = until(desk.operator, desk.operator.fire(), State.AWAITING_APPROVAL)
    people.take_over(incident.id, "alice")
    run_for(desk, minutes=30)
    taken = desk.incidents.get(incident.id)
    assert (taken.state, taken.episode.plan, taken.episode.assigned_to) == (
        State.ESCALATED,
        None,
        "alice",
    )
    people.hand_back(incident.id, "alice")
    again = until(desk.operator, incident, State.AWAITING_APPROVAL)
    assert again.episode.plan.cause_id == TAP
    assert again.episode.taken_over_by == ""


def test_an_incident_is_not_taken_over_in_the_middle_of_an_act(desk, people):
    desk.operator.world.put(tap=1, level=1)
    incident = until(desk.operator, desk.operator.fire(), State.AWAITING_APPROVAL)
    store = desk.operator.context.store
    now = desk.clock.now()
    store.change(incident.id, lambda i: replace(i, state=State.EXECUTING), now)
    with pytest.raises(NotPossibleNow, match="act"):
        people.take_over(incident.id, "alice")


def test_only_an_incident_that_was_taken_over_is_handed_back(people, escalated):
    with pytest.raises(NotPossibleNow):
        people.hand_back(escalated.id, "alice")


def test_an_incident_is_not_resolved_while_an_alert_fires_and_stays_as_it_is(
    desk, people, escalated
):
    with pytest.raises(StillFiring):
        people.resolve(escalated.id, "alice", "x", "y")
    assert desk.incidents.get(escalated.id).episode.taken_over_by == ""


def test_a_severity_that_a_person_lowered_stays_until_a_worse_alert_fires(desk, people, escalated):
    people.set_severity(escalated.id, P3, "alice", "only staging")
    run_for(desk, minutes=10)
    assert desk.incidents.get(escalated.id).severity == "P3"
    desk.webhook(sent(severity="critical", instance="other"))
    run_for(desk, minutes=10)
    assert desk.incidents.get(escalated.id).severity == "P1"


def test_a_severity_that_a_person_raised_starts_the_ladder_again(desk, people):
    desk.webhook(sent(severity="warning"))
    (incident,) = desk.open()
    incident = until(desk.operator, incident, State.ESCALATED)
    people.set_severity(incident.id, P1, "alice")
    run_for(desk, minutes=6)
    assert "Secondary On-Call Engineer" in called(desk, incident)


def test_a_person_who_is_made_responsible_is_told(desk, people, escalated):
    people.assign(escalated.id, "carol", "alice")
    messages = desk.operator.outbox.about(escalated.id)
    assert messages[-1].channel == "@carol"
    assert "alice made you responsible" in messages[-1].text


def test_follow_ups_are_kept_after_the_end(desk, people, escalated):
    people.add_follow_up(escalated.id, "Alert earlier", "alice", "bob")
    desk.webhook(sent("resolved", severity="critical"))
    desk.operator.jobs.run()
    people.add_follow_up(escalated.id, "Larger disk", "alice")
    people.finish_follow_up(escalated.id, "F1", "bob")
    ended = desk.incidents.get(escalated.id)
    assert [(each.id, each.done_by) for each in ended.follow_ups] == [("F1", "bob"), ("F2", "")]
    with pytest.raises(FollowUpUnknown):
        people.finish_follow_up(escalated.id, "F9", "bob")


def test_a_resolved_incident_is_not_worked_on_any_more(desk, people, escalated):
    desk.webhook(sent("resolved", severity="critical"))
    desk.operator.jobs.run()
    for work in (
        lambda: people.acknowledge(escalated.id, "a"),
        lambda: people.take_over(escalated.id, "a"),
        lambda: people.assign(escalated.id, "b", "a"),
        lambda: people.set_severity(escalated.id, P1, "a"),
        lambda: people.resolve(escalated.id, "a", "x", "y"),
    ):
        with pytest.raises(NotPossibleNow):
            work()


def test_everything_that_people_do_is_in_the_journal_and_the_audit_chain(desk, people, escalated):
    people.acknowledge(escalated.id, "alice")
    people.note(escalated.id, "Looks like the disk.", "bob")
    entries = [(e.actor, e.text) for e in desk.incidents.timeline(escalated.id)][-2:]
    assert entries[0][0] == "alice"
    assert entries[1] == ("bob", "Looks like the disk.")
    assert [(e.actor, e.action) for e in desk.operator.audit.recent(2)] == [
        ("bob", "incidents.noted"),
        ("alice", "incidents.acknowledged"),
    ]
