"""Decides which alerts are suppressed: silences, maintenance windows and inhibition."""

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime

from trimtab.incidents.intake.config import InhibitRule, IntakeConfig
from trimtab.incidents.intake.matchers import matches
from trimtab.incidents.intake.model import DECLARED, Silence, SilenceState, StoredAlert

SILENCE = "silence:"
WINDOW = "maintenance:"
INHIBITED = "inhibited:"


class InhibitIndex:
    """Firing source alerts of the inhibition rules, by the values of their equal labels."""

    def __init__(self, rules: Iterable[InhibitRule]) -> None:
        self._rules = tuple(rules)
        self._sources: list[dict[tuple[str, ...], set[str]]] = [{} for _ in self._rules]

    def note(self, alert: StoredAlert) -> bool:
        """Record whether the alert fires; return whether that changes what it inhibits."""
        changed = False
        for rule, sources in zip(self._rules, self._sources, strict=True):
            if not matches(rule.source, alert.labels):
                continue
            values = _values(rule, alert.labels)
            known = sources.get(values, set())
            if alert.firing is (alert.fingerprint in known):
                continue
            changed = True
            if alert.firing:
                sources.setdefault(values, set()).add(alert.fingerprint)
            else:
                known.discard(alert.fingerprint)
                if not known:
                    del sources[values]
        return changed

    def source_of(self, alert: StoredAlert) -> str:
        """Return the fingerprint of an alert that inhibits this one; empty without one."""
        for rule, sources in zip(self._rules, self._sources, strict=True):
            # As in Alertmanager, an alert on both sides of a rule is not inhibited by it.
            if not matches(rule.target, alert.labels) or matches(rule.source, alert.labels):
                continue
            if found := sources.get(_values(rule, alert.labels)):
                return min(found)
        return ""

    @property
    def active(self) -> bool:
        """Return whether any alert could be inhibited now."""
        return any(self._sources)


def _values(rule: InhibitRule, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in rule.equal)


class Suppression:
    """Silences, maintenance windows and inhibition at one place; safe to share by threads.

    Args:
        config: Windows and inhibition rules.
        silences: Those that are stored.
    """

    def __init__(self, config: IntakeConfig, silences: Iterable[Silence]) -> None:
        self._windows = config.windows
        self._index = InhibitIndex(config.inhibit_rules)
        self._lock = threading.Lock()
        self._silences = tuple(silences)
        self._open: tuple[str, ...] = ()
        self._stale = True

    def replace_silences(self, silences: Iterable[Silence]) -> None:
        """Use these silences from now on."""
        self._silences = tuple(silences)
        self._stale = True

    def note(self, alerts: Iterable[StoredAlert]) -> None:
        """Record which alerts fire, for inhibition."""
        with self._lock:
            for alert in alerts:
                if self._index.note(alert):
                    self._stale = True

    def changed(self, now: datetime) -> bool:
        """Return whether firing alerts have to be judged again since the last call."""
        opened = tuple(
            [silence.id for silence in self._silences if _is_active(silence, now)]
            + [window.name for window in self._windows if window.active(now)]
        )
        changed = self._stale or opened != self._open
        self._stale, self._open = False, opened
        return changed

    def of(self, alert: StoredAlert, now: datetime) -> tuple[str, ...]:
        """Return what suppresses the alert, each with its kind; empty when nothing does."""
        if alert.source == DECLARED:
            return ()
        with self._lock:
            source = self._index.source_of(alert) if self._index.active else ""
        return (*self.muting(alert.labels, now), *((INHIBITED + source,) if source else ()))

    def muting(self, labels: Mapping[str, str], now: datetime) -> tuple[str, ...]:
        """Return the silences and maintenance windows that mute alerts with these labels."""
        silences = (
            SILENCE + silence.id
            for silence in self._silences
            if _is_active(silence, now) and matches(silence.matchers, labels)
        )
        windows = (
            WINDOW + window.name
            for window in self._windows
            if window.active(now) and matches(window.matchers, labels)
        )
        return (*silences, *windows)


def _is_active(silence: Silence, now: datetime) -> bool:
    return silence.state(now) is SilenceState.ACTIVE
