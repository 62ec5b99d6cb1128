"""Reads the file of grouping, inhibition, maintenance windows, webhooks and dependencies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from trimtab.incidents.errors import AlertsFileRefused, MatcherRefused
from trimtab.incidents.intake.matchers import check_matchers, parse_matcher
from trimtab.incidents.intake.model import Matcher
from trimtab.infra.yaml_loader import SafeLoader

SHIPPED = Path(__file__).parent / "alerts.yaml"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Paths = tuple[str, ...]
"""Paths of which the first that holds a value counts."""


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """While a source alert fires, target alerts with equal labels are suppressed."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """A window that repeats every week, in the wall-clock time of a place."""

    name: str
    matchers: tuple[Matcher, ...]
    days: frozenset[int]
    """0 is Monday: the days on which it starts."""
    begin: time
    end: time
    """Not after `begin` when it ends on the next day; equal ones are 24 hours apart."""
    zone: ZoneInfo

    def active(self, now: datetime) -> bool:
        """Return whether the window is open at that instant."""
        there = now.astimezone(self.zone)
        at, day = there.time(), there.weekday()
        if self.begin < self.end:
            return day in self.days and self.begin <= at < self.end
        started_yesterday = (there - timedelta(days=1)).weekday() in self.days
        return (day in self.days and at >= self.begin) or (started_yesterday and at < self.end)


@dataclass(frozen=True, slots=True)
class WebhookMapping:
    """Mapping from the body of a webhook to alerts."""

    name: str
    items: str
    """Path of the list of alerts; without a list there, the body is one alert."""
    title: Paths
    key: Paths
    status: str
    resolved: frozenset[str]
    ignored: frozenset[str]
    starts_at: Paths
    labels: Mapping[str, Paths]
    annotations: Mapping[str, Paths]
    values: Mapping[str, Mapping[str, str]]
    """Replacements of label values."""


@dataclass(frozen=True, slots=True)
class IntakeConfig:
    """Content of the alerts file."""

    group_by: tuple[str, ...]
    inhibit_rules: tuple[InhibitRule, ...]
    windows: tuple[MaintenanceWindow, ...]
    webhooks: Mapping[str, WebhookMapping]
    dependencies: Mapping[str, tuple[str, ...]]
    """The nodes that each node of the systems depends on."""


def load_config(file: str = "") -> IntakeConfig:
    """Load the alerts file; without one, the shipped file.

    Raises:
        AlertsFileRefused: The file does not have the format of docs/alerts.md.
    """
    path = Path(file) if file else SHIPPED
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), SafeLoader) or {}  # noqa: S506 - it is one.
        return IntakeConfig(
            group_by=_names(document.get("group_by", ("alertname",))),
            inhibit_rules=tuple(map(_rule, document.get("inhibit_rules") or ())),
            windows=tuple(map(_window, document.get("maintenance_windows") or ())),
            webhooks={
                str(name): _mapping(str(name), body)
                for name, body in (document.get("webhooks") or {}).items()
            },
            dependencies={
                str(name): _names(nodes or ())
                for name, nodes in (document.get("dependencies") or {}).items()
            },
        )
    except MatcherRefused as error:
        raise AlertsFileRefused(f"{path.name}: {error.message}") from error
    except (OSError, yaml.YAMLError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise AlertsFileRefused(f"{path.name} cannot be read: {error!r}.") from error


def _rule(body: Mapping[str, Any]) -> InhibitRule:
    return InhibitRule(
        _matchers(body["source_matchers"]),
        _matchers(body["target_matchers"]),
        _names(body.get("equal", ())),
    )


def _window(body: Mapping[str, Any]) -> MaintenanceWindow:
    days = frozenset(_DAYS.index(str(day)[:3].lower()) for day in body.get("days", _DAYS))
    return MaintenanceWindow(
        name=str(body["name"]),
        matchers=_matchers(body["matchers"]),
        days=days,
        begin=time.fromisoformat(str(body["from"])),
        end=time.fromisoformat(str(body["to"])),
        zone=ZoneInfo(str(body.get("time_zone", "UTC"))),
    )


def _mapping(name: str, body: Mapping[str, Any]) -> WebhookMapping:
    values = body.get("values") or {}
    return WebhookMapping(
        name=name,
        items=(_names(body.get("items", ())) or ("",))[0],
        title=_names(body["name"]),
        key=_names(body.get("key", ())),
        status=str(body.get("status", "")),
        resolved=frozenset(map(str.casefold, _names(body.get("resolved", ())))),
        ignored=frozenset(map(str.casefold, _names(body.get("ignored", ())))),
        starts_at=_names(body.get("starts_at", ())),
        labels={str(key): _names(paths) for key, paths in body.get("labels", {}).items()},
        annotations={str(key): _names(paths) for key, paths in body.get("annotations", {}).items()},
        values={
            str(key): {str(a): str(b) for a, b in each.items()} for key, each in values.items()
        },
    )


def _matchers(texts: Any) -> tuple[Matcher, ...]:
    return check_matchers(parse_matcher(text) for text in texts)


def _names(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(str(each) for each in given)
