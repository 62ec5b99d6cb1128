from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from tests.monitoring.samples import named
from tests.monitoring.world import World, heat
from trimtab.kernel.operable import Catalog, Signal
from trimtab.monitoring.signals import metric_names, signals

FAILING = """
groups:
  - name: g
    rules:
      - alert: Broken
        expr: heat * on() group_left heat > 0
        annotations: {runbook_url: "runbook:x"}
      - alert: Works
        expr: max(heat) > 30
        annotations: {runbook_url: "runbook:x"}
"""


def read(world):
    found = Catalog(signals(world.engine, world.store)).signals
    return {
        (name, *sample.labels.values()): sample.value
        for name, signal in found.items()
        for sample in signal.read()
    }


def test_the_monitor_counts_its_alerts_failures_and_series(tmp_path):
    world = World(tmp_path, FAILING)
    world.tick(heat(31.0), heat(32.0, room="b"))
    world.store.append("other", 1, [(named("heat", room="a"), 1.0)])
    assert read(world) == {
        ("rules.alerts", "pending"): 0.0,
        ("rules.alerts", "firing"): 1.0,
        ("rules.failing",): 1.0,
        ("rules.series",): 3.0,
        ("rules.refused", "series"): 1.0,
        ("rules.refused", "scrape"): 0.0,
    }


def test_rules_may_name_what_is_exported_and_what_will_be():
    registry = CollectorRegistry()
    Counter("asked", "Questions.", ["room"], registry=registry)
    Histogram("took_seconds", "Time.", ["room"], registry=registry)
    Gauge("heat", "Degrees.", registry=registry)
    declared = [
        Signal("a.ratio", "1", "A ratio.", list),
        Signal("a.count", "1", "A counter.", list, metric="a_count_total", counter=True),
    ]
    names = metric_names(registry, declared)
    assert {
        "asked_total",
        "took_seconds_bucket",
        "took_seconds_count",
        "heat",
        "a_ratio",
        "a_count_total",
    } <= names
    assert "took_seconds_total" not in names
