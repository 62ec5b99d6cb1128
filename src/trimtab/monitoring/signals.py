"""Signals of the monitor, and the metric names that rules may use."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from trimtab.kernel.operable import Sample, Signal
from trimtab.monitoring.alerts import AlertState
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.series import SeriesStore

_SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("", "_sum", "_count"),
}


def signals(engine: RuleEngine, store: SeriesStore) -> tuple[Signal, ...]:
    """Return every signal of the rules."""

    def alerts() -> Iterable[Sample]:
        for state in AlertState:
            yield Sample(float(len(engine.alerts(state))), {"state": state.value})

    def refused() -> Iterable[Sample]:
        yield Sample(float(store.refused_series), {"what": "series"})
        yield Sample(float(store.refused_batches), {"what": "scrape"})

    return (
        Signal("rules.alerts", "alerts", "Alerts by state.", alerts, labels=("state",)),
        Signal(
            "rules.failing",
            "rules",
            "Rules whose last evaluation failed.",
            lambda: [Sample(float(sum(bool(health.error) for health in engine.health())))],
        ),
        Signal(
            "rules.series",
            "series",
            "Series that are held in memory.",
            lambda: [Sample(float(len(store)))],
        ),
        Signal(
            "rules.refused",
            "1",
            "Samples and scrapes that were refused since the start.",
            refused,
            labels=("what",),
            metric="rules_refused_total",
            counter=True,
        ),
    )


def metric_names(registry: CollectorRegistry, declared: Iterable[Signal]) -> frozenset[str]:
    """Return the metric names that rules may use, exported now or later.

    A signal that has nothing to say yet, such as a ratio before the first query, is in no scrape
    but in this set.
    """
    names: set[str] = set()
    for metric in registry.collect():
        names |= {sample.name for sample in metric.samples}
        # A family that has no sample yet (a histogram with labels) is known by its type.
        names |= {metric.name + suffix for suffix in _SUFFIXES.get(metric.type, ("",))}
    names |= {
        signal.metric_name.removesuffix("_total") + "_total"
        if signal.counter
        else signal.metric_name
        for signal in declared
    }
    return frozenset(names)
