"""Builds monitoring: the rules, then what others read of them, and later the loop over them."""

from collections.abc import Callable, Iterable

from trimtab.infra.environment import Environment
from trimtab.infra.shipped import shipped
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Catalog
from trimtab.kernel.tasks import ScheduledTask
from trimtab.monitoring.alerts import Alert
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import read_rules
from trimtab.monitoring.monitor import Leadership, Monitor, Sink
from trimtab.monitoring.peers import FleetScrape
from trimtab.monitoring.series import Samples, SeriesStore
from trimtab.monitoring.service import Metrics, Monitoring
from trimtab.monitoring.signals import metric_names, signals
from trimtab.monitoring.usage.history import UsageHistory
from trimtab.monitoring.usage.watch import LOOK_SECONDS, UsageForecast
from trimtab.monitoring.views import metrics_apart


def build_rules(env: Environment) -> Module:
    """Return the shipped rules, without a sample yet, and the signals of their state."""
    series = SeriesStore(env.settings.monitor.retention_minutes * 60)
    engine = RuleEngine(read_rules(sorted(shipped("rules").glob("*.yml"))), series)
    return Module("rules", engine, signals=signals(engine, series))


def build_usage_forecast(env: Environment, samples: Callable[[], Samples]) -> Module:
    """Return the forecast of the use of resources.

    Args:
        env: Of the process.
        samples: Returns the samples of this process, without drills.
    """
    expressions = env.settings.monitor.forecast_series
    forecast = UsageForecast(expressions, samples, UsageHistory(env.directory), env.clock)
    task = ScheduledTask("note the use of resources", LOOK_SECONDS, forecast.look)
    return Module(
        "usage_forecast",
        forecast,
        signals=forecast.signals(),
        scheduled=(task,) if expressions else (),
        close=(forecast.close,),
    )


def build(
    env: Environment, engine: RuleEngine, catalog: Catalog, http_metrics: frozenset[str]
) -> Module:
    """Return the rules on the samples of this process.

    Args:
        env: Of the process.
        engine: The rules.
        catalog: Its signals are metrics.
        http_metrics: Metrics of HTTP requests. Drills send none, so they describe users only.
    """
    declared = catalog.signals.values()
    metrics = Metrics(
        env.registry,
        known=metric_names(env.registry, declared) | http_metrics,
        separate=metrics_apart(declared) | http_metrics,
    )
    monitoring = Monitoring(engine, metrics, env.settings.monitor, env.clock)
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

    def resume() -> None:
        monitoring.engine.resume(firing_before())

    leadership = Leadership(env.fleet.leads, resume)
    monitor = Monitor(
        FleetScrape(monitoring.scrape, env.fleet, monitoring.series),
        monitoring.engine,
        sink,
        env.clock,
        env.settings.monitor,
        leadership,
    )
    return Module(
        "monitor",
        monitor,
        tasks=(monitor.task,),
        start=(resume, monitor.start),
        close=(monitor.close,),
    )
