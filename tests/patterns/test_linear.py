"""No regular expression of the package takes more than linear time, whatever the text."""

import json
import subprocess
import sys

import pytest

from tests.patterns.growth import worst

SHARDS = 8
# Every module is imported, which takes many times longer on a machine with other work to do.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="session")
def patterns():
    done = subprocess.run(
        [sys.executable, "-m", "tests.patterns.collect"],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_patterns_of_every_part_are_collected(patterns):
    """Those of modules, of functions, of tuples and of records."""
    found = " ".join(where for where, *_ in patterns)
    assert len(patterns) > 200
    for part in ("guardrails/pii/find.py", "chunking.py:_FENCE", "office.py:_PAGE", "licences.py:"):
        assert part in found


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_pattern_takes_more_than_linear_time(patterns, shard):
    slow = {
        where: recipe
        for where, *pattern in patterns[shard::SHARDS]
        if (recipe := worst(*pattern)) is not None
    }
    assert slow == {}


@pytest.mark.parametrize(
    "pattern",
    [
        r"^#\s+(.+?)\s*#*$",
        r"^title:\s*(.+?)\s*$",
        r"\s+$",
        r"(?:a|a)*b",
        r"\s*\[\d\]",
        r"<!--.*?-->",
        r"[ \t]*\|?[ \t]*:?-{2,}",
    ],
)
def test_a_pattern_that_does_is_found(pattern):
    assert worst(pattern, 8, anchored=False, full=False) is not None
