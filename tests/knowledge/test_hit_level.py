"""The four levels of the cache hit ratio, from both sides."""

import math

import pytest

from trimtab.knowledge.signals import hit_level


@pytest.mark.feature("F515")
@pytest.mark.parametrize(
    ("ratio", "level"),
    [
        (0.91, 4),
        (0.90, 3),
        (0.71, 3),
        (0.70, 2),
        (0.51, 2),
        (0.50, 1),
        (0.31, 1),
        (0.30, 0),
        (0.0, 0),
    ],
)
def test_a_hit_ratio_is_on_the_level_that_it_is_above(ratio, level):
    assert hit_level(ratio) == level


def test_an_unknown_ratio_has_no_level():
    assert math.isnan(hit_level(math.nan))
