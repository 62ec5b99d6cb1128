"""What the quarterly review of the guards' rules looks at."""

import pytest

from tests.review.world import GOOD, WRONGLY_BLOCKED
from trimtab.review.records import GuardRuleFigures


@pytest.mark.feature("F256")
def test_blocks_and_false_positives_are_counted_by_guard(world):
    world.queue("t1", "t2", blocked=True, guards=("pii",), reason="blocked")
    world.queue(
        "t3", blocked=True, guards=("pii", "injection"), judged="questions", reason="blocked"
    )
    world.queue("t4")
    world.judge("t1", "ann", WRONGLY_BLOCKED)
    world.judge("t2", "ann", GOOD)
    world.judge("t3", "ann", WRONGLY_BLOCKED)
    world.judge("t4", "ann", GOOD)
    found = world.reviews.guard_rules(92)
    assert found == [
        GuardRuleFigures("answers", "pii", 2, 1),
        GuardRuleFigures("questions", "injection", 1, 1),
        GuardRuleFigures("questions", "pii", 1, 1),
    ]
    assert [each.false_positive_rate for each in found] == [0.5, 1, 1]


def test_older_reviews_do_not_count(world):
    world.queue("t1", blocked=True, guards=("pii",), reason="blocked")
    world.judge("t1", "ann", GOOD)
    world.clock.advance(93 * 86_400)
    assert world.reviews.guard_rules(92) == []
