"""Cohen's kappa, against values worked out by hand and against scikit-learn's definition."""

import pytest

from tests.review.world import BAD, GOOD
from trimtab.review.agreement import cohens_kappa


@pytest.mark.parametrize(
    ("pairs", "kappa"),
    [
        # The example of Cohen's measure in most textbooks: 20, 5, 10 and 15 of 50.
        ([("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15, 0.4),
        ([("y", "y")] * 45 + [("y", "n")] * 15 + [("n", "y")] * 25 + [("n", "n")] * 15, 0.1304),
        ([("y", "n"), ("n", "y")], -1.0),
        ([("y", "y"), ("n", "n")], 1.0),
    ],
)
def test_kappa_is_the_agreement_beyond_chance(pairs, kappa):
    assert cohens_kappa(pairs) == pytest.approx(kappa, abs=1e-4)


@pytest.mark.parametrize("pairs", [[], [("y", "y")] * 3])
def test_kappa_is_unknown_where_chance_explains_all(pairs):
    assert cohens_kappa(pairs) is None


def test_agreement_is_of_each_pair_and_leaves_adjudications_out(world_of):
    world = world_of(annotators=2)
    world.queue(*"abcd")
    for subject, first, second in (
        ("a", GOOD, GOOD), ("b", BAD, BAD), ("c", GOOD, BAD), ("d", BAD, BAD),
    ):  # fmt: skip
        world.judge(subject, "ann", first)
        world.judge(subject, "bob", second)
    world.judge("c", "eve", GOOD)
    (pair,) = world.reviews.agreement()
    assert (pair.annotators, pair.items, pair.observed) == (("ann", "bob"), 4, 0.75)
    assert pair.kappa == pytest.approx(0.5)
