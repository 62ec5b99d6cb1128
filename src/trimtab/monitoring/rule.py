"""Rules, as loaded from a file."""

from dataclasses import dataclass

from trimtab.monitoring.labels import Labels
from trimtab.monitoring.promql.evaluator import Expression
from trimtab.monitoring.templates import Template


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """Stores an expression's result under a name of its own."""

    name: str
    expression: Expression
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class AlertRule:
    """Raises an alert for each element of an expression's result."""

    name: str
    expression: Expression
    hold_seconds: float = 0.0
    """``for``: how long an element must be there before its alert fires."""
    keep_firing_seconds: float = 0.0
    """``keep_firing_for``: how long an alert continues to fire after its element has gone."""
    labels: tuple[tuple[str, Template], ...] = ()
    annotations: tuple[tuple[str, Template], ...] = ()


Rule = RecordingRule | AlertRule


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated in order, so that later ones see earlier results."""

    file: str
    name: str
    rules: tuple[Rule, ...]
    interval_seconds: float | None = None
    """None: at every tick of the engine."""
