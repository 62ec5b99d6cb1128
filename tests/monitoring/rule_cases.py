"""Runs the unit tests of `promtool test rules` with the embedded engine."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import promql_parser as promql
import yaml

from trimtab.monitoring.alerts import AlertState
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.labels import labels_of
from trimtab.monitoring.promql.evaluator import compile_expression
from trimtab.monitoring.series import SeriesStore

PROMTOOL = Path(__file__).parent / "promtool"
STALE, MISSING = object(), object()


@dataclass
class RuleCase:
    """One entry of `tests:` in a file for `promtool test rules`."""

    rule_files: list[Path]
    step_ms: int
    raw: dict

    @property
    def name(self):
        return self.raw["name"]

    def alerts(self):
        return sorted({test["alertname"] for test in self.alert_expectations()})

    def alert_expectations(self):
        return self.raw.get("alert_rule_test", [])

    def expression_expectations(self):
        return self.raw.get("promql_expr_test", [])


def load(path):
    document = yaml.safe_load(path.read_text())
    files = [path.parent / file for file in document["rule_files"]]
    step_ms = milliseconds(document["evaluation_interval"])
    return [RuleCase(files, step_ms, raw) for raw in document["tests"]]


def milliseconds(duration):
    return (
        0 if str(duration) == "0" else promql.parse_duration(duration) // timedelta(milliseconds=1)
    )


class Playback:
    """Plays a case's series into an engine, one evaluation interval at a time, from the instant 0."""

    def __init__(self, case):
        self.store = SeriesStore(retention_seconds=86_400)
        self.engine = RuleEngine(load_rules(case.rule_files), self.store)
        self.step_ms = case.step_ms
        self.now_ms = -case.step_ms
        interval_ms = milliseconds(case.raw["interval"])
        self._pending = sorted(
            (
                (column * interval_ms, entry["series"], value)
                for entry in case.raw["input_series"]
                for column, value in enumerate(values(str(entry["values"])))
            ),
            key=lambda sample: sample[0],
        )

    def until(self, at_ms):
        while self.now_ms + self.step_ms <= at_ms:
            self.now_ms += self.step_ms
            while self._pending and self._pending[0][0] <= self.now_ms:
                self._append(*self._pending.pop(0))
            self.engine.tick(datetime.fromtimestamp(self.now_ms / 1000, UTC))

    def firing(self, name):
        return [alert for alert in self.engine.alerts(AlertState.FIRING) if alert.name == name]

    def evaluate(self, expression, at_ms):
        return compile_expression(expression).evaluate(self.store, at_ms)

    def _append(self, at_ms, series, value):
        # Each series is a source of its own: a missing value is then no batch, and no stale marker.
        if value is not MISSING:
            sample = [] if value is STALE else [(series_labels(series), value)]
            self.store.append(series, at_ms, sample)


def series_labels(text):
    selector = promql.parse(text)
    pairs = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
    return labels_of({**pairs, **({"__name__": selector.name} if selector.name else {})})


_VALUES = re.compile(
    r"(?P<first>[+-]?[\d.]+(?:e[+-]?\d+)?|[+-]?Inf|NaN)(?P<step>[+-][\d.]+)?(?:x(?P<times>\d+))?"
)


def values(notation):
    """Expand promtool's notation: `1+2x3` is 1 3 5 7, `_x2` two missing samples, `stale` a stale marker."""
    for word in notation.split():
        if word == "stale":
            yield STALE
        elif word.startswith("_"):
            yield from [MISSING] * int(word[2:] or 1)
        else:
            found = _VALUES.fullmatch(word)
            first, step = float(found["first"]), float(found["step"] or 0)
            for number in range(int(found["times"] or 0) + 1):
                yield first + number * step if step else first
