"""Metrics registry and the collector that exports all signals."""

import logging
import math
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from trimtab.kernel.operable import Signal

_log = logging.getLogger(__name__)


def new_registry() -> CollectorRegistry:
    """Return a new registry with the memory, CPU and file metrics of the process."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    return registry


class SignalCollector(Collector):
    """Exports signals under their metric names at each scrape.

    A signal that fails or has no samples is skipped; the others are still exported.
    """

    def __init__(self, signals: Iterable[Signal]) -> None:
        self._signals = tuple(signals)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of all readable signals."""
        for signal in self._signals:
            try:
                yield _family(signal)
            except Exception:  # noqa: BLE001 - one failing signal must not break the whole scrape.
                _log.warning("signal cannot be read", extra={"signal": signal.name}, exc_info=True)


def _family(signal: Signal) -> Metric:
    kind = CounterMetricFamily if signal.counter else GaugeMetricFamily
    family = kind(signal.metric_name, signal.help, labels=signal.labels)
    name = f"{family.name}_total" if signal.counter else family.name
    for sample in signal.read():
        if not math.isnan(sample.value):
            # Empty labels are omitted: only the series of drills have `drill`.
            labels = {key: sample.labels[key] for key in signal.labels if sample.labels.get(key)}
            family.add_sample(name, labels, sample.value)
    return family
