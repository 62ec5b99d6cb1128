"""Requests in numbers, under the names that the contract's runbooks read."""

import threading
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class FinishedRequest:
    """A request that has been answered.

    Args:
        method: Upper case. Callers can invent methods without end; those we do not know are one.
        route: The route's template, never the path itself: paths have no end of values.
        status: The HTTP status.
        seconds: How long it took.
        interactive: Whether a user waits for it: a read or a question, no stream or ingestion.
            Only these count as request latency.
        known: Whether the caller was authenticated; others do not affect the error rate.
    """

    method: str
    route: str
    status: int
    seconds: float
    interactive: bool = True
    known: bool = True


class HttpMetrics(Collector):
    """Counts requests and keeps the last minutes' durations."""

    NAMES = frozenset(
        {
            "http_p99_latency_ms",
            "http_error_rate_ratio",
            "http_latency_requests",
            "http_error_rate_requests",
        }
    )
    """What is exported only once there are requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._requests: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(_BUCKETS) + 1))
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._durations: deque[tuple[float, float]] = deque(maxlen=_NEWEST)
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=_NEWEST)

    def count(self, request: FinishedRequest) -> None:
        """Add a finished request."""
        method = request.method if request.method in _METHODS else "other"
        with self._lock:
            self._requests[method, request.route, str(request.status)] += 1
            self._buckets[request.route][bisect_left(_BUCKETS, request.seconds)] += 1
            self._seconds[request.route] += request.seconds
            now = self._clock.monotonic()
            if request.interactive:
                self._durations.append((now, request.seconds))
            if request.known:
                self._outcomes.append((now, request.status >= 500))

    def recent_p99(self) -> tuple[float, int]:
        """Return p99 (ms) and number of reads and questions of the last five minutes."""
        with self._lock:
            since = self._clock.monotonic() - WINDOW_SECONDS
            durations = sorted(took for at, took in self._durations if at >= since)
        return (_quantile(durations, 0.99) * 1000 if durations else 0.0), len(durations)

    def collect(self) -> Iterator[Metric]:
        """Return every figure."""
        with self._lock:
            requests = dict(self._requests)
            buckets = {route: list(counts) for route, counts in self._buckets.items()}
            seconds = dict(self._seconds)
            since = self._clock.monotonic() - WINDOW_SECONDS
            durations = sorted(took for at, took in self._durations if at >= since)
            failures = [failed for at, failed in self._outcomes if at >= since]
        yield _counts(requests)
        yield _histogram(buckets, seconds)
        yield _summary(durations, sum(requests.values()), sum(seconds.values()))
        yield from _recent(durations, failures)


def _counts(requests: dict[tuple[str, str, str], int]) -> Metric:
    family = CounterMetricFamily(
        "http_requests_total",
        "Finished HTTP requests.",
        labels=("method", "route", "status"),
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


def _summary(durations: list[float], count: int, seconds: float) -> Metric:
    summary = SummaryMetricFamily(
        "http_request_duration_seconds",
        "Duration of HTTP requests; quantiles of the reads and questions of the last five minutes.",
    )
    summary.add_metric((), count_value=count, sum_value=seconds)
    for quantile in _QUANTILES if durations else ():
        summary.add_sample(
            summary.name, {"quantile": str(quantile)}, _quantile(durations, quantile)
        )
    return summary


def _recent(durations: list[float], failures: list[bool]) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "http_latency_requests",
        "Reads and questions of the last five minutes, of which http_p99_latency_ms is the p99.",
        value=len(durations),
    )
    yield GaugeMetricFamily(
        "http_error_rate_requests",
        "Requests of authenticated callers in the last five minutes (for http_error_rate_ratio).",
        value=len(failures),
    )
    if durations:
        yield GaugeMetricFamily(
            "http_p99_latency_ms",
            "99th percentile of the duration of reads and questions in the last five minutes.",
            value=round(_quantile(durations, 0.99) * 1000, 3),
        )
    if failures:
        yield GaugeMetricFamily(
            "http_error_rate_ratio",
            "Share of 5xx answers to authenticated callers in the last five minutes.",
            value=sum(failures) / len(failures),
        )


def _quantile(ordered: list[float], quantile: float) -> float:
    return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]
