"""Requests in numbers, under the names that the contract's runbooks read."""

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from trimtab.api.http.middleware import BUCKETS, RequestCounters
from trimtab.kernel.clock import Clock

WINDOW_SECONDS = 300.0
"""Quantiles and the error rate speak of the last five minutes."""
_QUANTILES = (0.5, 0.95, 0.99)


class HttpMetrics(Collector):
    """Counts requests and exports them with the durations of the last minutes."""

    NAMES = frozenset(
        {
            "http_p99_latency_ms",
            "http_error_rate_ratio",
            "http_latency_requests",
            "http_error_rate_requests",
            "http_request_duration_seconds",
            "http_requests_total",
        }
    )
    """What is exported only once there are requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.counters = RequestCounters(clock)

    def recent_p99(self) -> tuple[float, int]:
        """Return p99 (ms) and number of reads and questions of the last five minutes."""
        counters = self.counters
        with counters.lock:
            since = self._clock.monotonic() - WINDOW_SECONDS
            durations = sorted(took for at, took in counters.durations if at >= since)
        return (_quantile(durations, 0.99) * 1000 if durations else 0.0), len(durations)

    def collect(self) -> Iterator[Metric]:
        """Return every figure."""
        counters = self.counters
        with counters.lock:
            requests = dict(counters.requests)
            buckets = {route: list(counts) for route, counts in counters.buckets.items()}
            seconds = dict(counters.seconds)
            since = self._clock.monotonic() - WINDOW_SECONDS
            durations = sorted(took for at, took in counters.durations if at >= since)
            failures = [failed for at, failed in counters.outcomes if at >= since]
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
        bounds = (*(str(bound) for bound in BUCKETS), "+Inf")
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
