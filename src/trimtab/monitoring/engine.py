"""Evaluates rules at each tick and returns the transitions of alerts."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from trimtab.monitoring.alerts import Alert, AlertBook, AlertState, Transition
from trimtab.monitoring.errors import EvaluationFailed
from trimtab.monitoring.labels import METRIC_NAME, changed
from trimtab.monitoring.promql.values import Vector, distinct
from trimtab.monitoring.rule import AlertRule, RecordingRule, Rule, RuleGroup
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RuleHealth:
    """Result of the last evaluation of a rule."""

    file: str
    group: str
    rule: str
    error: str
    """Why the last evaluation failed; empty when it did not."""
    evaluated_at: datetime | None
    """None: never yet."""
    failures: int
    """How many evaluations have failed since the start."""


@dataclass(slots=True)
class _Running:
    group: RuleGroup
    rule: Rule
    source: str
    book: AlertBook | None
    error: str = ""
    evaluated_at: datetime | None = None
    failures: int = 0


@dataclass(slots=True)
class _Group:
    group: RuleGroup
    rules: list[_Running] = field(default_factory=list)
    slot: int | None = None


class RuleEngine:
    """Holds the rules and the state of their alerts. Safe to use from many threads.

    Args:
        groups: The rules, as `load_rules` returns them.
        store: Where the samples are; recorded series and ``ALERTS`` go there, too.
    """

    def __init__(self, groups: Iterable[RuleGroup], store: SeriesStore) -> None:
        self.store = store
        self._groups = [_running(group) for group in groups]
        self._lock = threading.Lock()

    @property
    def groups(self) -> tuple[RuleGroup, ...]:
        """The rules, in their groups."""
        return tuple(running.group for running in self._groups)

    def tick(self, now: datetime) -> tuple[Transition, ...]:
        """Evaluate the groups that are due and return what changed, in the order of the rules.

        A group without an interval of its own is due at every tick, another one at the first tick
        of each interval. A rule that fails keeps its alerts as they are; the other rules continue.
        """
        with self._lock:
            return tuple(
                transition
                for group in self._groups
                if _due(group, now)
                for running in group.rules
                for transition in self._evaluate(running, now)
            )

    def resume(self, firing: Iterable[Alert]) -> None:
        """Begin with the alerts that fire according to the records, and with no other.

        Call it before the first tick, and whenever the process begins to lead: another one has
        evaluated the rules since. Alerts of rules that no longer exist are left out.
        """
        with self._lock:
            for running in self._running():
                if running.book is not None:
                    running.book.clear()
            for alert in firing:
                for running in self._running():
                    if running.book is not None and running.rule.name == alert.name:
                        running.book.resume(alert.labels, alert.annotations, alert.since)
                        break

    def alerts(self, state: AlertState | None = None) -> tuple[Alert, ...]:
        """Return the pending and firing alerts, or those of one state."""
        with self._lock:
            return tuple(
                alert
                for running in self._running()
                if running.book is not None
                for alert in running.book.alerts()
                if state in {None, alert.state}
            )

    def metrics_of(self, name: str) -> frozenset[str]:
        """Return the metrics that the rules of an alert of that name read."""
        return frozenset().union(
            *(
                running.rule.expression.metrics
                for running in self._running()
                if running.book is not None and running.rule.name == name
            )
        )

    def health(self) -> tuple[RuleHealth, ...]:
        """Return how each rule's last evaluation went, in the order of the rules."""
        with self._lock:
            return tuple(
                RuleHealth(
                    file=running.group.file,
                    group=running.group.name,
                    rule=running.rule.name,
                    error=running.error,
                    evaluated_at=running.evaluated_at,
                    failures=running.failures,
                )
                for running in self._running()
            )

    def _running(self) -> Iterable[_Running]:
        return (running for group in self._groups for running in group.rules)

    def _evaluate(self, running: _Running, now: datetime) -> list[Transition]:
        at_ms = milliseconds(now)
        running.evaluated_at = now
        try:
            result = running.rule.expression.evaluate(self.store, at_ms)
            transitions = self._take(running, result, at_ms)
        except EvaluationFailed as error:
            self._record_failure(running, error.message)
            return []
        except Exception as error:  # noqa: BLE001 - one broken rule must not blind the others.
            self._record_failure(running, f"{type(error).__name__}: {error}")
            return []
        running.error = ""
        return transitions

    def _take(self, running: _Running, result: Vector, at_ms: int) -> list[Transition]:
        if running.book is not None:
            transitions = running.book.update(result, at_ms)
            self.store.append(running.source, at_ms, running.book.samples())
            return transitions
        # For mypy: only recording rules have no alert state.
        assert isinstance(running.rule, RecordingRule)  # noqa: S101
        own = {**dict(running.rule.labels), METRIC_NAME: running.rule.name}
        recorded = distinct([e._replace(labels=changed(e.labels, own)) for e in result])
        self.store.append(running.source, at_ms, recorded)
        return []

    def _record_failure(self, running: _Running, why: str) -> None:
        if running.error != why:
            _log.error("rule failed", extra={"rule": running.rule.name, "error": why})
        running.error = why
        running.failures += 1


def _running(group: RuleGroup) -> _Group:
    rules = [
        _Running(
            group,
            rule,
            source=f"{group.file};{group.name};{number}",
            book=AlertBook(rule) if isinstance(rule, AlertRule) else None,
        )
        for number, rule in enumerate(group.rules)
    ]
    return _Group(group, rules)


def _due(group: _Group, now: datetime) -> bool:
    interval = group.group.interval_seconds
    if interval is None:
        return True
    slot = int(now.timestamp() // interval)
    due, group.slot = slot != group.slot, slot
    return due
