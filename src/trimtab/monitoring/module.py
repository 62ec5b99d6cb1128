"""Builds monitoring: first the rules, which others read, and later the loop over them."""

from collections.abc import Callable, Iterable

from trimtab.infra.environment import Environment
from trimtab.infra.shipped import shipped
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Catalog
from trimtab.monitoring.alerts import Alert
from trimtab.monitoring.files import read_rules
from trimtab.monitoring.monitor import Monitor, Sink
from trimtab.monitoring.service import Metrics, Monitoring
from trimtab.monitoring.signals import metric_names
from trimtab.monitoring.views import metrics_apart


def build(env: Environment, catalog: Catalog, http_metrics: frozenset[str]) -> Module:
    """Return the shipped rules on the samples of this process.

    Args:
        env: Of the process.
        catalog: Its signals are metrics.
        http_metrics: Metrics of HTTP requests. Drills send none, so they describe users only.
    """
    signals = catalog.signals.values()
    metrics = Metrics(
        env.registry,
        known=metric_names(env.registry, signals) | http_metrics,
        separate=metrics_apart(signals) | http_metrics,
    )
    groups = read_rules(sorted(shipped("rules").glob("*.yml")))
    monitoring = Monitoring(groups, metrics, env.settings.monitor, env.clock)
    return Module("monitoring", monitoring, health=(("monitor", monitoring.health),))


def build_loop(
    env: Environment,
    monitoring: Monitoring,
    sink: Sink,
    firing_before: Callable[[], Iterable[Alert]],
) -> Module:
    """Return the loop that scrapes, evaluates the rules and reports transitions.

    Args:
        env: Of the process.
        monitoring: The rules.
        sink: Takes the transitions.
        firing_before: Returns the alerts that fired when the last process ended.
    """
    monitor = Monitor(monitoring.scrape, monitoring.engine, sink, env.clock, env.settings.monitor)
    return Module(
        "monitor",
        monitor,
        tasks=(monitor.task,),
        start=(lambda: monitoring.engine.resume(firing_before()), monitor.start),
        close=(monitor.close,),
    )
