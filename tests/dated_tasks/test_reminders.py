"""Reminders, escalation, and what people do with tasks."""

from datetime import timedelta

import pytest

from trimtab.calendar import TaskStatus
from trimtab.calendar.errors import BadTask, TaskClosed, TaskUnknown

HOUR = 3600


@pytest.fixture
def task(world):
    """Add a task of Sam's that is due in four days; no other one exists."""
    return world.calendar.add(
        "Order a disk", "Sam", world.clock.now() + timedelta(days=4), "tester"
    )


def test_the_owner_is_reminded_once_a_day_before(world, task):
    world.clock.advance(72 * HOUR - 1)
    assert world.calendar.remind() == []
    world.clock.advance(1)
    assert world.calendar.remind() == [task.id]
    assert world.calendar.remind() == []
    [(channel, kind, text)] = world.sent()
    assert (channel, kind) == ("#incidents", "note")
    assert "Due 2026-03-18 09:00 UTC, Sam: Order a disk" in text


def test_a_short_task_is_reminded_of_in_its_last_quarter(world):
    found = world.calendar.add("Write", "Sam", world.clock.now() + timedelta(hours=24), "tester")
    world.clock.advance(18 * HOUR - 1)
    assert world.calendar.remind() == []
    world.clock.advance(1)
    assert world.calendar.remind() == [found.id]


@pytest.mark.feature("F306", "F307")
def test_an_overdue_task_goes_to_the_manager_at_once_and_to_the_next_a_day_later(world, task):
    world.people["Engineering Manager"] = "Kim"
    world.clock.advance(96 * HOUR - 1)
    world.calendar.remind()
    before = len(world.sent())
    world.clock.advance(1)
    world.calendar.remind()
    world.calendar.remind()
    world.clock.advance(24 * HOUR)
    world.calendar.remind()
    world.clock.advance(240 * HOUR)
    world.calendar.remind()
    sent = world.sent()[before:]
    assert [(channel, kind) for channel, kind, _ in sent] == [
        ("#incidents", "escalation"),
        ("email", "escalation"),
    ] * 2
    assert "for Engineering Manager (Kim) (owner: Sam): Order a disk" in sent[0][2]
    assert "for VP Engineering (owner: Sam)" in sent[2][2]


def test_a_restart_repeats_no_reminder(world_of, world, task):
    world.clock.advance(80 * HOUR)
    world.calendar.remind()
    again = world_of()
    assert again.calendar.remind() == []
    assert len(again.sent()) == 1


def test_what_is_done_or_dropped_is_neither_reminded_of_nor_escalated(world, task):
    other = world.calendar.add("Two", "Kim", world.clock.now() + timedelta(days=4), "tester")
    world.calendar.finish(task.id, "tester", "ordered")
    world.calendar.drop(other.id, "tester", "not needed")
    world.clock.advance(400 * HOUR)
    assert world.calendar.remind() == []
    assert world.sent() == []


def test_a_moved_task_is_reminded_of_again(world, task):
    world.clock.advance(80 * HOUR)
    world.calendar.remind()
    due = world.clock.now() + timedelta(days=4)
    moved = world.calendar.move(task.id, "tester", owner="Kim", due_at=due)
    assert (moved.owner, moved.due_at, moved.reminded_at) == ("Kim", due, None)
    world.clock.advance(80 * HOUR)
    assert world.calendar.remind() == [task.id]
    assert len(world.sent()) == 2


def test_closing_repeats_and_changes_are_in_the_audit_chain(world, task):
    done = world.calendar.finish(task.id, "tester", "ordered")
    assert (done.status, done.note, done.closed_by) == (TaskStatus.DONE, "ordered", "tester")
    assert world.calendar.finish(task.id, "other", "again") == done
    actions = [event.action for event in world.audit.recent(10)]
    assert actions == ["calendar.done", "calendar.added"]


def test_a_closed_task_cannot_be_dropped_or_moved(world, task):
    world.calendar.finish(task.id, "tester")
    with pytest.raises(TaskClosed):
        world.calendar.drop(task.id, "tester", "no")
    with pytest.raises(TaskClosed):
        world.calendar.move(task.id, "tester", owner="Kim")


def test_a_task_that_is_not_there_is_said_to_be_unknown(world):
    for change in (
        lambda: world.calendar.finish("task_no", "tester"),
        lambda: world.calendar.drop("task_no", "tester", "no"),
        lambda: world.calendar.move("task_no", "tester", owner="Kim"),
        lambda: world.calendar.find("task_no"),
    ):
        with pytest.raises(TaskUnknown):
            change()


def test_a_task_without_owner_future_or_reason_is_refused(world, task):
    later, past = world.clock.now() + timedelta(days=1), world.clock.now()
    for title, owner, due in ((" ", "Sam", later), ("One", " ", later), ("One", "Sam", past)):
        with pytest.raises(BadTask):
            world.calendar.add(title, owner, due, "tester")
    with pytest.raises(BadTask):
        world.calendar.drop(task.id, "tester", " ")
    with pytest.raises(BadTask):
        world.calendar.move(task.id, "tester")
    with pytest.raises(BadTask):
        world.calendar.move(task.id, "tester", due_at=past)
