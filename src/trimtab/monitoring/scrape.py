"""Scrapes the service's own metrics into the sample store."""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from trimtab.monitoring.labels import METRIC_NAME, Labels, labels_of
from trimtab.monitoring.series import SCRAPE, SeriesStore

_log = logging.getLogger(__name__)


class Scrape:
    """Appends all samples of a registry at an instant, and ``up``.

    ``up`` is 1, or 0 when the registry failed.

    Args:
        registry: Where the metrics are.
        store: Where their samples go.
        source: The store's name for this scrape.
        labels: Added to every sample, like Prometheus' target labels; a metric's own label of that
            name wins.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        store: SeriesStore,
        source: str = SCRAPE,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self._registry = registry
        self._store = store
        self._source = source
        self._labels = dict(labels or {})
        self._failing = False

    def take(self, now: datetime) -> None:
        """Append the samples of this instant; a failure makes the scrape stale."""
        up = labels_of({**self._labels, METRIC_NAME: "up"})
        try:
            samples = [sample for metric in self._registry.collect() for sample in self._of(metric)]
        # A broken collector must be seen as `up == 0`, not stop the monitor.
        except Exception:  # noqa: BLE001
            if not self._failing:
                _log.exception("scrape failed", extra={"source": self._source})
            self._failing = True
            self._store.append(self._source, milliseconds(now), [(up, 0.0)])
            return
        self._failing = False
        self._store.append(self._source, milliseconds(now), [*samples, (up, 1.0)])

    def _of(self, metric: Metric) -> Iterator[tuple[Labels, float]]:
        # `_created` samples are times of birth: no rule reads them, and they would double the
        # series.
        created = f"{metric.name}_created" if metric.type not in {"gauge", "unknown"} else None
        for sample in metric.samples:
            if sample.name != created:
                pairs = {**self._labels, **sample.labels, METRIC_NAME: sample.name}
                yield labels_of(pairs), float(sample.value)


def instant_of(at_ms: int) -> datetime:
    """Return the instant of a sample, given in milliseconds since 1970."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def milliseconds(instant: datetime) -> int:
    """Return the instant as whole milliseconds since 1970, the resolution of every sample."""
    return round(instant.timestamp() * 1000)
