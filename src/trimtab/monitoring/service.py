"""Facade of monitoring: the rules, the samples they read, and the alerts that fire."""

from collections.abc import Collection
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from trimtab.infra.settings.sections.monitor import MonitorSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.health import ComponentHealth, Status
from trimtab.monitoring.alerts import AlertState
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import Known, check_rules
from trimtab.monitoring.rule import AlertRule
from trimtab.monitoring.scrape import Scrape, milliseconds
from trimtab.monitoring.views import SeriesView

_LATE_SCRAPES = 6
"""The component is down when the newest scrape is older than this many intervals."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Names of the metrics of one process.

    Attributes:
        registry: What is scraped.
        known: What rules may name.
        separate: Those in which drills are counted separately, or that no drill changes.
    """

    registry: CollectorRegistry
    known: frozenset[str]
    separate: frozenset[str]


class Monitoring:
    """Rules and samples of one process.

    Args:
        engine: The rules and the samples they read.
        metrics: Their names.
        settings: Intervals.
        clock: Of the process.
    """

    def __init__(
        self,
        engine: RuleEngine,
        metrics: Metrics,
        settings: MonitorSettings,
        clock: Clock,
    ) -> None:
        self.engine = engine
        self.metrics = metrics
        self.settings = settings
        self.series = engine.store
        self.scrape = Scrape(metrics.registry, self.series)
        self.user_series = SeriesView(self.series, metrics.separate)
        """The samples without those of drills."""
        self._clock = clock

    @property
    def alert_names(self) -> frozenset[str]:
        """The names of all alerting rules."""
        rules = (rule for group in self.engine.groups for rule in group.rules)
        return frozenset(rule.name for rule in rules if isinstance(rule, AlertRule))

    def check(self, runbooks: Collection[str]) -> None:
        """Check the names in the rules; raises `UnknownMetric` or `MissingRunbook`.

        Args:
            runbooks: The ids of all pages.
        """
        check_rules(self.engine.groups, Known(metrics=self.metrics.known, runbooks=runbooks))

    def firing(self) -> list[tuple[str, str]]:
        """Return the firing alerts, each with the runbook it names or an empty text."""
        return [
            (alert.name, alert.annotations.get("runbook_url", "").removeprefix("runbook:"))
            for alert in self.engine.alerts(AlertState.FIRING)
        ]

    def take_sample(self) -> None:
        """Take one sample of every metric now."""
        self.scrape.take(self._clock.now())

    def health(self) -> ComponentHealth:
        """Down when scrapes are late, degraded when rules fail."""
        newest, rules = self.series.newest_ms(), self.engine.health()
        facts = {"rules": len(rules)}
        if newest is None:
            return ComponentHealth(Status.UP, facts=facts)
        age = (milliseconds(self._clock.now()) - newest) / 1000
        broken = [found.rule for found in rules if found.error]
        if age > _LATE_SCRAPES * self.settings.scrape_interval_seconds:
            return ComponentHealth(Status.DOWN, f"The last scrape was {age:.0f} s ago.")
        if broken:
            return ComponentHealth(Status.DEGRADED, f"Rules that fail: {', '.join(broken)}.")
        return ComponentHealth(Status.UP, facts=facts)
