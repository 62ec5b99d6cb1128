"""Reads rule files in Prometheus' format; refuses at start what would fail or mislead later."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from trimtab.infra.yaml_loader import UniqueKeyLoader
from trimtab.monitoring.errors import (
    BadRuleFile,
    ExpressionRefused,
    MissingRunbook,
    TemplateRefused,
    UnknownMetric,
    UnsupportedRule,
)
from trimtab.monitoring.labels import METRIC_NAME, labels_of
from trimtab.monitoring.promql.evaluator import Expression, compile_expression
from trimtab.monitoring.rule import AlertRule, RecordingRule, Rule, RuleGroup
from trimtab.monitoring.templates import Template, compile_template

RUNBOOK_SCHEME = "runbook:"
BUILT_IN_METRICS = frozenset({"up", "ALERTS"})
"""Written by the scrape and by the engine themselves."""
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_UNITS = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_DURATION = re.compile("0|" + "".join(rf"(?:(?P<{unit}>\d+){unit})?" for unit in _UNITS))
_ALERT_FIELDS = frozenset({"alert", "expr", "for", "keep_firing_for", "labels", "annotations"})
_RECORD_FIELDS = frozenset({"record", "expr", "labels"})
_GROUP_FIELDS = frozenset({"name", "interval", "rules"})


@dataclass(frozen=True, slots=True)
class Known:
    """Metrics and runbooks that rules may name; None means not checked."""

    metrics: Collection[str] | None = None
    """Names as in PromQL: counters with ``_total``, histograms with ``_bucket``, ``_sum`` and
    ``_count``.
    """
    runbooks: Collection[str] | None = None
    """Runbook ids."""


def load_rules(paths: Iterable[Path], known: Known | None = None) -> tuple[RuleGroup, ...]:
    """Return the groups of all files, read and checked, in the order given."""
    groups = read_rules(paths)
    check_rules(groups, known or Known())
    return groups


def read_rules(paths: Iterable[Path]) -> tuple[RuleGroup, ...]:
    """Return the groups of all files, in the order given, not yet checked against what is known.

    Raises:
        BadRuleFile: A file cannot be read, or is not a rule file.
        UnsupportedRule: A rule uses what Prometheus has and trimtab has not.
    """
    return tuple(group for path in paths for group in _load_file(path))


def check_rules(groups: Iterable[RuleGroup], known: Known) -> None:
    """Check every rule against what is known.

    Raises:
        UnknownMetric: A rule selects a metric that neither ``known`` nor a recording rule has.
        MissingRunbook: An alert has no ``runbook_url``, or names a runbook that is not known.
    """
    groups = tuple(groups)
    recorded = {
        rule.name for group in groups for rule in group.rules if isinstance(rule, RecordingRule)
    }
    for group in groups:
        for rule in group.rules:
            place = f"{group.file}, group {group.name!r}, rule {rule.name!r}"
            if known.metrics is not None:
                names = {*known.metrics, *recorded, *BUILT_IN_METRICS}
                _check_metrics(place, rule.expression, names)
            if isinstance(rule, AlertRule):
                _check_runbook(place, rule, known.runbooks)


def _check_metrics(place: str, expression: Expression, names: Collection[str]) -> None:
    for metric in sorted(expression.metrics):
        if metric not in names:
            near = get_close_matches(metric, names, n=3)
            hint = f"Did you mean {' or '.join(near)}?" if near else None
            raise UnknownMetric(f"{place}: there is no metric {metric!r}.", hint=hint)


def _check_runbook(place: str, rule: AlertRule, runbooks: Collection[str] | None) -> None:
    url = dict(rule.annotations).get("runbook_url")
    if url is None or not url.text.strip():
        raise MissingRunbook(f"{place}: the alert has no annotation runbook_url.")
    if runbooks is None or not url.text.startswith(RUNBOOK_SCHEME):
        return
    name = url.text.removeprefix(RUNBOOK_SCHEME)
    if name not in runbooks:
        near = get_close_matches(name, runbooks, n=2)
        hint = f"Did you mean {' or '.join(near)}?" if near else "Write it, or correct the id."
        raise MissingRunbook(f"{place}: there is no runbook {name!r}.", hint=hint)


def _load_file(path: Path) -> list[RuleGroup]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), UniqueKeyLoader)  # noqa: S506 - it is safe.
    except OSError as error:
        raise BadRuleFile(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        detail = " ".join(str(error).split())
        raise BadRuleFile(f"{path} is not valid YAML: {detail}.") from error
    if document is None:
        return []
    place = str(path)
    groups = _list(place, _fields(place, document, frozenset({"groups"})).get("groups"))
    loaded = [_group(path, raw) for raw in groups]
    names = [group.name for group in loaded]
    for name in names:
        if names.count(name) > 1:
            raise BadRuleFile(f"{path}: two groups are named {name!r}.")
    return loaded


def _group(path: Path, raw: object) -> RuleGroup:
    fields = _fields(f"{path}, a group", raw, _GROUP_FIELDS)
    name = _text(f"{path}, a group", "name", fields.get("name"))
    place = f"{path}, group {name!r}"
    interval = _seconds(place, "interval", fields.get("interval"))
    if interval is not None and interval <= 0:
        raise BadRuleFile(f"{place}: interval must be longer than zero.")
    rules = tuple(_rule(place, raw_rule) for raw_rule in _list(place, fields.get("rules")))
    return RuleGroup(str(path), name, rules, interval)


def _rule(group: str, raw: object) -> Rule:
    if not isinstance(raw, Mapping) or ("alert" in raw) == ("record" in raw):
        raise BadRuleFile(f"{group}: a rule must have either `alert` or `record`.")
    kind = "alert" if "alert" in raw else "record"
    name = _text(f"{group}, a rule", kind, raw[kind])
    place = f"{group}, rule {name!r}"
    fields = _fields(place, raw, _ALERT_FIELDS if kind == "alert" else _RECORD_FIELDS)
    expression = _expression(place, _text(place, "expr", fields.get("expr")))
    labels = _pairs(place, "labels", fields.get("labels"))
    if METRIC_NAME in labels:
        raise BadRuleFile(f"{place}: the label {METRIC_NAME} cannot be set.")
    if kind == "record":
        if not _METRIC.fullmatch(name):
            raise BadRuleFile(f"{place}: {name!r} is not a metric name.")
        return RecordingRule(name, expression, labels_of(labels))
    return AlertRule(
        name,
        expression,
        hold_seconds=_seconds(place, "for", fields.get("for")) or 0.0,
        keep_firing_seconds=_seconds(place, "keep_firing_for", fields.get("keep_firing_for"))
        or 0.0,
        labels=_templates(place, labels),
        annotations=_templates(place, _pairs(place, "annotations", fields.get("annotations"))),
    )


def _expression(place: str, text: str) -> Expression:
    try:
        return compile_expression(text)
    except ExpressionRefused as error:
        kind = UnsupportedRule if error.unsupported else BadRuleFile
        raise kind(f"{place}: {error.message}") from error


def _templates(place: str, pairs: Mapping[str, str]) -> tuple[tuple[str, Template], ...]:
    try:
        return tuple((name, compile_template(text)) for name, text in pairs.items())
    except TemplateRefused as error:
        raise UnsupportedRule(f"{place}: {error.message}") from error


def _fields(place: str, raw: object, allowed: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise BadRuleFile(f"{place}: expected a mapping, found {type(raw).__name__}.")
    for name in raw:
        if name not in allowed:
            kind = UnsupportedRule if name in {"limit", "query_offset"} else BadRuleFile
            near = get_close_matches(str(name), allowed, n=1)
            raise kind(
                f"{place}: the field {name!r} is not known here.",
                hint=f"Did you mean {near[0]}?" if near else None,
            )
    return raw


def _list(place: str, raw: object) -> list[Any]:
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise BadRuleFile(f"{place}: expected a list, found {type(raw).__name__}.")
    return raw


def _text(place: str, field: str, raw: object) -> str:
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        raw = str(raw)
    if not isinstance(raw, str) or not raw.strip():
        raise BadRuleFile(f"{place}: `{field}` must be a text that is not empty.")
    return raw


def _pairs(place: str, field: str, raw: object) -> dict[str, str]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise BadRuleFile(f"{place}: `{field}` must be a mapping of names to texts.")
    for name, value in raw.items():
        if not isinstance(name, str) or not _LABEL.fullmatch(name):
            raise BadRuleFile(f"{place}: {name!r} in `{field}` is not a name.")
        if not isinstance(value, str):
            raise BadRuleFile(f"{place}: `{field}` {name} must be a text; put it in quotes.")
    return dict(raw)


def _seconds(place: str, field: str, raw: object) -> float | None:
    if raw is None:
        return None
    found = _DURATION.fullmatch(str(raw))
    if found is None or not str(raw):
        raise BadRuleFile(
            f"{place}: `{field}` is {raw!r}, which is not a duration.",
            hint="Write a duration such as 30s, 5m or 1h30m.",
        )
    return sum(float(found[unit] or 0) * seconds for unit, seconds in _UNITS.items())
