"""The samples on which the embedded evaluator and the real Prometheus are compared."""

import math
import random
from collections import defaultdict
from dataclasses import dataclass

from trimtab.monitoring.labels import Labels, labels_of
from trimtab.monitoring.series import SeriesStore

START_MS = 1_700_000_000_000
STEP_MS = 15_000
COLUMNS = 240
END_MS = START_MS + (COLUMNS - 1) * STEP_MS


@dataclass(frozen=True)
class Batch:
    """What one source appends at one instant."""

    source: str
    at_ms: int
    samples: list[tuple[Labels, float]]


def named(metric: str, **labels: str) -> Labels:
    return labels_of({"__name__": metric, **labels})


def fill(store: SeriesStore, batches: list[Batch]) -> SeriesStore:
    for batch in batches:
        store.append(batch.source, batch.at_ms, batch.samples)
    return store


def as_series(batches: list[Batch]):
    """Return the batches series by series, with the stale markers that a scraping Prometheus would write."""
    series = defaultdict(list)
    before: dict[str, set[Labels]] = {}
    for batch in batches:
        for labels, value in batch.samples:
            series[labels].append((batch.at_ms, value))
        present = {labels for labels, _ in batch.samples}
        for gone in before.get(batch.source, set()) - present:
            series[gone].append((batch.at_ms, None))
        before[batch.source] = present
    return list(series.items())


def batches() -> list[Batch]:
    """Counters with resets, gauges, histograms, NaN and infinities, series that come and go, gaps, odd intervals."""
    chance = random.Random(20260101)
    everything = [*_regular(chance), *_irregular(chance), *_sparse(chance), *_ending(chance)]
    return sorted(everything, key=lambda batch: batch.at_ms)


def _regular(chance):
    counters = {
        named("requests_total", method=method, code=code, instance=instance): 0.0
        for method in ("GET", "POST")
        for code in ("200", "404", "500")
        for instance in ("a", "b")
    }
    errors = {
        named("errors_total", method=m, instance=i): 0.0 for m in ("GET", "POST") for i in "ab"
    }
    histogram = _Histogram(chance)
    for column in range(COLUMNS):
        for group in (counters, errors):
            for labels in group:
                grown = group[labels] + chance.choice([0, 0, 1, 2, 7, 0.5])
                group[labels] = chance.choice([0.0, 3.0]) if chance.random() < 0.02 else grown
        samples = [
            *counters.items(),
            *errors.items(),
            *histogram.observe(),
            *_gauges(chance, column),
        ]
        yield Batch("regular", START_MS + column * STEP_MS, samples)


def _gauges(chance, column):
    yield named("constant"), 42.0
    yield named("info", instance="a", version="1.2", zone="eu"), 1.0
    yield named("info", instance="b", version="1.3", zone="us"), 1.0
    for instance in "abc":
        yield (
            named("temperature", instance=instance),
            round(20 + 10 * math.sin(column / 9) + chance.random(), 3),
        )
    yield named("temperature", instance="d", site="roof"), -5.0 - column % 7
    yield named("big"), 1e300 * (1 + column % 3)
    yield named("strange", kind="nan"), math.nan
    yield named("strange", kind="sometimes"), math.nan if column % 5 < 2 else float(column % 4)
    yield named("strange", kind="inf"), math.inf if column % 11 else 1.0
    yield named("strange", kind="minus"), -math.inf if column % 6 else 0.0
    yield named("steps"), float(column // 40)
    if column >= 200:
        yield named("late"), float(column)
    if column < 220:
        yield named("early"), 7.0
    if column % 50 < 30:
        yield named("flapping", instance="a"), float(column)
    if column % 20 != 10:
        yield named("flapping", instance="b"), 1.0


class _Histogram:
    BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

    def __init__(self, chance):
        self._chance = chance
        self._counts = {
            handler: [0] * (len(self.BOUNDS) + 1) for handler in ("/ask", "/search", "/idle")
        }

    def observe(self):
        for handler, counts in self._counts.items():
            for _ in range(0 if handler == "/idle" else self._chance.randrange(6)):
                seconds = self._chance.expovariate(4)
                counts[sum(seconds > bound for bound in self.BOUNDS)] += 1
            for index, bound in enumerate((*map(str, self.BOUNDS), "+Inf")):
                total = float(sum(counts[: index + 1]))
                yield named("latency_seconds_bucket", handler=handler, le=bound), total
            yield named("latency_seconds_count", handler=handler), float(sum(counts))


def _irregular(chance):
    at_ms, level, counted = START_MS + 1234, 50.0, 10.0
    while at_ms < END_MS:
        level += chance.uniform(-3, 3)
        counted += chance.randrange(4)
        yield Batch(
            "irregular",
            at_ms,
            [(named("level", tank="north"), level), (named("jumpy_total", tank="north"), counted)],
        )
        at_ms += chance.choice([9_700, 10_000, 15_001, 31_000, 95_000, 410_000])


def _sparse(chance):
    for number in range(COLUMNS * STEP_MS // 240_000):
        samples = [
            (named("rare_total", job=job), float(number * 3 + len(job))) for job in ("x", "yy")
        ]
        yield Batch("sparse", START_MS + 77 + number * 240_000, samples)


def _ending(chance):
    """A source that ends without a stale marker: only the lookback hides its series."""
    for column in range(150):
        yield Batch(
            "ending", START_MS + column * STEP_MS, [(named("orphan", instance="z"), float(column))]
        )
