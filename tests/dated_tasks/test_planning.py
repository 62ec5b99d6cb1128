"""Tasks that follow incidents, and the quarterly reviews."""

from datetime import UTC, datetime

import pytest

from tests.dated_tasks.world import CalendarWorld
from trimtab.calendar import TaskKind, TaskStatus
from trimtab.incidents.model import Attempt, AttemptOutcome, DoneAct, IncidentSeverity
from trimtab.testing.clock import FakeClock

HOUR = 3600


@pytest.mark.feature("F306", "F307")
def test_an_open_incident_has_its_report_due_in_24_hours_and_its_analysis_in_48(world):
    incident = world.open(assigned_to="Robin")
    world.calendar.plan()
    tasks = world.tasks(incident)
    assert set(tasks) == {TaskKind.INCIDENT_REPORT, TaskKind.ROOT_CAUSE_ANALYSIS}
    assert world.hours_until(tasks[TaskKind.INCIDENT_REPORT]) == 24
    assert world.hours_until(tasks[TaskKind.ROOT_CAUSE_ANALYSIS]) == 48
    assert {task.owner for task in tasks.values()} == {"Robin"}
    assert {task.link for task in tasks.values()} == {f"/console/incidents/{incident.id}"}


@pytest.mark.feature("F306")
def test_the_report_is_done_when_it_was_written_at_the_resolution(world):
    incident = world.open()
    world.calendar.plan()
    world.resolve(incident)
    world.calendar.plan()
    tasks = world.tasks(incident)
    assert tasks[TaskKind.INCIDENT_REPORT].status is TaskStatus.DONE
    assert tasks[TaskKind.INCIDENT_REPORT].closed_by == "trimtab"
    assert tasks[TaskKind.ROOT_CAUSE_ANALYSIS].status is TaskStatus.OPEN


@pytest.mark.feature("F308", "F309", "F310")
def test_a_resolved_incident_has_a_meeting_action_items_and_an_update_of_its_runbook(world):
    incident = world.resolve(world.open())
    world.calendar.plan()
    tasks = world.tasks(incident, TaskStatus.OPEN)
    assert world.hours_until(tasks[TaskKind.POSTMORTEM_MEETING]) == 48
    assert "all stakeholders" in tasks[TaskKind.POSTMORTEM_MEETING].title
    assert "deeper cause" in tasks[TaskKind.ACTION_ITEM].title
    assert tasks[TaskKind.ACTION_ITEM].owner
    assert "Update the runbook model-drift" in tasks[TaskKind.RUNBOOK_UPDATE].title
    assert world.hours_until(tasks[TaskKind.RUNBOOK_UPDATE]) == 7 * 24


def test_an_incident_without_a_runbook_asks_once_to_write_one(world):
    incident = world.resolve(world.open(runbooks=()))
    world.calendar.plan()
    titles = [each.title for each in world.calendar.store.list(subject=incident.id)]
    assert [title for title in titles if title.startswith("Write a runbook for")] == [
        f"Write a runbook for {incident.alert.name}"
    ]


@pytest.mark.parametrize(("severity", "meets"), [("P0", True), ("P1", True), ("P2", False)])
def test_only_p0_and_p1_meet(world, severity, meets):
    incident = world.resolve(world.open(severity=IncidentSeverity(severity)))
    world.calendar.plan()
    assert (TaskKind.POSTMORTEM_MEETING in world.tasks(incident)) is meets


@pytest.mark.parametrize("changes", [{"severity": IncidentSeverity.P3}, {"drill": True}])
def test_p3_and_drills_have_no_tasks(world, changes):
    incident = world.resolve(world.open(**changes))
    world.calendar.plan()
    assert world.tasks(incident) == {}


@pytest.mark.feature("F603", "F608")
def test_a_rollback_is_investigated_in_staging_and_fixed_by_a_pull_request(world):
    done = (DoneAct("service.change.rollback", "Rolled back.", None),)
    incident = world.resolve(world.open(done=done, assigned_to="Robin"))
    world.calendar.plan()
    tasks = world.tasks(incident)
    staging, fix = tasks[TaskKind.STAGING_INVESTIGATION], tasks[TaskKind.PULL_REQUEST]
    assert "service.change.rollback" in staging.title
    assert (staging.owner, fix.owner) == ("Robin", "Robin")
    assert (world.hours_until(staging), world.hours_until(fix)) == (7 * 24, 14 * 24)
    assert staging.link == fix.link == f"/console/incidents/{incident.id}"


@pytest.mark.feature("F608")
def test_a_fix_that_worked_is_made_lasting_by_a_pull_request(world):
    attempt = Attempt(1, "cause", AttemptOutcome.WORKED, world.clock.now())
    incident = world.resolve(world.open(attempts=(attempt,)))
    world.calendar.plan()
    tasks = world.tasks(incident)
    assert TaskKind.PULL_REQUEST in tasks
    assert TaskKind.STAGING_INVESTIGATION not in tasks


def test_an_incident_that_ended_by_itself_asks_for_no_pull_request(world):
    incident = world.resolve(world.open())
    world.calendar.plan()
    assert TaskKind.PULL_REQUEST not in world.tasks(incident)


def test_planning_again_adds_nothing_also_after_a_restart(world_of):
    world = world_of()
    world.resolve(world.open())
    assert world.calendar.plan() > 0
    assert world.calendar.plan() == 0
    assert world_of().calendar.plan() == 0


def test_what_happened_before_a_crash_is_planned_at_the_next_start(world_of):
    world = world_of()
    incident = world.resolve(world.open())
    world.close()
    again = world_of()
    again.calendar.plan()
    assert TaskKind.RUNBOOK_UPDATE in again.tasks(incident)


def test_incidents_of_the_time_before_the_calendar_have_no_tasks(world_of):
    world = world_of()
    incident = world.resolve(world.open())
    world.clock.advance(8 * 24 * HOUR)
    world.calendar.plan()
    assert world.tasks(incident) == {}


@pytest.mark.feature("F747", "F256")
@pytest.mark.parametrize(
    ("now", "quarter", "due"),
    [
        (datetime(2026, 11, 29, tzinfo=UTC), "2026-Q4", "2026-12-31T23:59:59+00:00"),
        (datetime(2027, 3, 31, 23, tzinfo=UTC), "2027-Q1", "2027-03-31T23:59:59+00:00"),
        (datetime(2027, 4, 1, tzinfo=UTC), "2027-Q2", "2027-06-30T23:59:59+00:00"),
    ],
)
def test_runbooks_and_guard_rules_are_reviewed_each_quarter(tmp_path, now, quarter, due):
    world = CalendarWorld(tmp_path, FakeClock(now))
    world.calendar.plan()
    found = world.calendar.store.list(subject=quarter)
    world.close()
    assert {each.kind for each in found} == {TaskKind.RUNBOOK_REVIEW, TaskKind.GUARD_RULE_REVIEW}
    assert {each.due_at.isoformat() for each in found} == {due}


def test_the_next_quarter_has_reviews_of_its_own(world):
    world.calendar.plan()
    world.clock.advance(93 * 24 * HOUR)
    assert world.calendar.plan() == 2
