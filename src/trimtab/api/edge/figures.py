"""Requests in numbers, under the names that the contract's runbooks read."""

import threading
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from trimtab.kernel.clock import Clock

WINDOW_SECONDS = 300.0
"""Quantiles and the error rate speak of the last five minutes."""
_NEWEST = 4096
"""... and of at most this many requests."""
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds in seconds; 0.15, 0.5, 1 and 2 are the contract's latency thresholds."""
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_QUANTILES = (0.5, 0.95, 0.99)


class HttpFigures(Collector):
    """Counts requests and keeps the last minutes' durations."""

    NAMES = frozenset({"http_p99_latency_ms", "http_error_rate_ratio"})
    """What is exported only once there are requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._requests: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(_BUCKETS) + 1))
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._newest: deque[tuple[float, float, bool | None]] = deque(maxlen=_NEWEST)

    def count(
        self, method: str, route: str, status: int, seconds: float, *, known: bool = True
    ) -> None:
        """Add a finished request.

        Args:
            method: Upper case. Callers can invent methods without end; those we do not know are one.
            route: The route's template, never the path itself: paths have no end of values.
            status: The HTTP status.
            seconds: How long it took.
            known: Whether the caller had a key. The failures that strangers provoke are counted, but are not in the
                error rate that alerts read: else anybody could call the on-call engineer, or hide an outage behind
                many refused calls.
        """
        method = method if method in _METHODS else "other"
        with self._lock:
            self._requests[method, route, str(status)] += 1
            self._buckets[route][bisect_left(_BUCKETS, seconds)] += 1
            self._seconds[route] += seconds
            failed = status >= 500 if known else None
            self._newest.append((self._clock.monotonic(), seconds, failed))

    def collect(self) -> Iterator[Metric]:
        """Return every figure."""
        with self._lock:
            requests = dict(self._requests)
            buckets = {route: list(counts) for route, counts in self._buckets.items()}
            seconds = dict(self._seconds)
            since = self._clock.monotonic() - WINDOW_SECONDS
            recent = [(took, failed) for at, took, failed in self._newest if at >= since]
        yield _counts(requests)
        yield _histogram(buckets, seconds)
        yield from _recent(recent, sum(requests.values()), sum(seconds.values()))


def _counts(requests: dict[tuple[str, str, str], int]) -> Metric:
    family = CounterMetricFamily(
        "http_requests_total", "Finished HTTP requests.", labels=("method", "route", "status")
    )
    for labels, count in requests.items():
        family.add_metric(labels, count)
    return family


def _histogram(buckets: dict[str, list[int]], seconds: dict[str, float]) -> Metric:
    family = HistogramMetricFamily(
        "http_request_latency_seconds", "Duration of HTTP requests by route.", labels=("route",)
    )
    for route, counts in buckets.items():
        bounds = (*(str(bound) for bound in _BUCKETS), "+Inf")
        running, cumulative = 0, []
        for bound, count in zip(bounds, counts, strict=True):
            running += count
            cumulative.append((bound, running))
        family.add_metric((route,), cumulative, seconds[route])
    return family


def _recent(
    recent: list[tuple[float, bool | None]], count: int, seconds: float
) -> Iterator[Metric]:
    durations = sorted(took for took, _ in recent)
    summary = SummaryMetricFamily(
        "http_request_duration_seconds",
        "Duration of HTTP requests; quantiles over the last five minutes.",
    )
    summary.add_metric((), count_value=count, sum_value=seconds)
    for quantile in _QUANTILES if durations else ():
        summary.add_sample(
            summary.name, {"quantile": str(quantile)}, _quantile(durations, quantile)
        )
    yield summary
    if durations:
        yield GaugeMetricFamily(
            "http_p99_latency_ms",
            "The slowest hundredth of requests in the last five minutes takes at least this long.",
            value=round(_quantile(durations, 0.99) * 1000, 3),
        )
    judged = [failed for _, failed in recent if failed is not None]
    if judged:
        yield GaugeMetricFamily(
            "http_error_rate_ratio",
            "The part of the last five minutes' requests with a key that ended with a 5xx status.",
            value=sum(judged) / len(judged),
        )


def _quantile(ordered: list[float], quantile: float) -> float:
    return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]
