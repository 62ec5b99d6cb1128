"""A damaged row of a queue stops nobody's review, and is archived as it is."""

import pytest
import sqlalchemy as sa

from tests.review.world import GOOD
from trimtab.infra.restartable import RestartableTask
from trimtab.kernel.operable import ActionContext
from trimtab.review.actions import actions
from trimtab.review.faults import faults
from trimtab.review.store import annotations_table, items_table

CONTEXT = ActionContext("key", "tester")


def damage(world, subject, **values):
    with world.database.write() as connection:
        mine = items_table.c.subject == subject
        connection.execute(sa.update(items_table).where(mine).values(**values))
    world.reviews.items.version += 1


@pytest.fixture
def parts(world):
    tasks = [
        RestartableTask(name, lambda: None, 3600, world.clock) for name in ("review", "feedback")
    ]
    found = {each.name: each for each in actions(world.reviews, *tasks)}
    yield found, {each.name: each for each in faults(world.reviews, *tasks)}
    # The threads go on at once by the clock of the tests.
    for task in tasks:
        task.close()


@pytest.mark.feature("F270")
@pytest.mark.parametrize("values", [{"queue": "garbled"}, {"state": "garbled"}])
def test_the_others_are_handed_out_and_the_damaged_one_is_archived_and_put_back(
    world, parts, values
):
    world.queue("t1", "t2")
    damage(world, "t1", **values)
    assert world.reviews.next("ann").subject == "t2"
    assert world.reviews.damaged_items() == 1
    action = parts[0]["review.queue.quarantine"]
    assert action.dry_run({}, CONTEXT).summary == "1 damaged items would be archived."
    done = action.run({}, CONTEXT)
    assert world.reviews.damaged_items() == 0
    assert [each.items for each in world.reviews.archives.list()] == [1]
    assert action.run({}, CONTEXT).changes is False
    assert "1 items" in action.undo(done.undo_arguments, CONTEXT).summary


def test_a_damaged_annotation_hides_neither_its_item_nor_the_others(world_of):
    world = world_of(annotators=2)
    world.queue("t1")
    world.judge("t1", "ann", GOOD)
    with world.database.write() as connection:
        connection.execute(sa.update(annotations_table).values(documents="["))
    assert world.reviews.find("t1").annotations == ()


def test_the_fault_damages_the_queue_and_is_restored(world, parts):
    fault = parts[1]["review.queue.corrupt"]
    world.queue("t1")
    saved = fault.inject({})
    assert world.reviews.damaged_items() == 3
    assert world.reviews.next("ann").subject == "t1"
    fault.restore(saved)
    fault.restore(saved)
    assert world.reviews.damaged_items() == 0


@pytest.mark.feature("F268", "F269")
def test_a_stopped_part_is_restarted_alone(world, parts):
    made, broken = parts
    for fault, action in (
        ("review.collector.stop", "review.restart"),
        ("review.feedback.stop", "review.feedback.restart"),
    ):
        broken[fault].inject({})
        assert made[action].run({}, CONTEXT).changes is True
        broken[fault].restore({})
