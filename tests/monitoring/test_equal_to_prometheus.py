"""The embedded evaluator gives what the real Prometheus gives, on the very same samples."""

import pytest

from tests.monitoring import expressions, samples
from tests.monitoring.comparison import differences, ours

MINUTE = 60_000
INSTANTS_MS = {
    "before the first sample": samples.START_MS - 1,
    "at the first sample": samples.START_MS,
    "in the second minute": samples.START_MS + 100_123,
    "on a scrape": samples.START_MS + 120 * samples.STEP_MS,
    "between scrapes": samples.START_MS + 33 * MINUTE + 7_007,
    "when a series is stale": samples.START_MS + 30 * samples.STEP_MS + 1,
    "at the edge of the lookback": samples.START_MS + 149 * samples.STEP_MS + 5 * MINUTE,
    "one after the lookback": samples.START_MS + 149 * samples.STEP_MS + 5 * MINUTE + 1,
    "at the last sample": samples.END_MS,
    "minutes after the last sample": samples.END_MS + 3 * MINUTE,
}
ORDERED = ("sort(", "sort_desc(")


def test_there_are_at_least_150_expressions():
    assert len(set(expressions.ALL)) == len(expressions.ALL) >= 150


@pytest.mark.parametrize("expression", expressions.ALL)
def test_the_result_is_that_of_prometheus(expression, prometheus, store):
    ordered = expression.startswith(ORDERED)
    wrong = {
        name: found
        for name, at_ms in INSTANTS_MS.items()
        if (
            found := differences(
                ours(store, expression, at_ms), prometheus.query(expression, at_ms), ordered=ordered
            )
        )
    }
    assert wrong == {}
