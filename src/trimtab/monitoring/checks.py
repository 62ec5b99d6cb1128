"""Three-valued checks on samples: the evidence and verification of runbooks."""

import threading
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trimtab.kernel.clock import Clock
from trimtab.monitoring.cost import DEFAULT_LIMITS, Cost, QueryLimits
from trimtab.monitoring.errors import EvaluationFailed, ExpressionRefused
from trimtab.monitoring.promql.coverage import MISSED_SCRAPES
from trimtab.monitoring.promql.evaluator import Expression, compile_expression
from trimtab.monitoring.promql.values import Element, Instant
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import Samples

SCRAPE_SECONDS = 5.0
"""The default of ``monitor.scrape_interval_seconds``."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer at an instant."""

    expression: str
    holds: bool | None
    """None: the samples cannot tell. No data is never an answer, neither good nor bad."""
    samples: tuple[Element, ...]
    """What the expression left over; empty when it does not hold."""
    at: datetime
    reason: str = ""
    """Why the samples cannot tell."""


class HoldOutcome(StrEnum):
    """Result of a check over time: held, gave up or stopped."""

    HELD = "held"
    GAVE_UP = "gave_up"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class HeldResult:
    """The answer of a check over time."""

    outcome: HoldOutcome
    held_seconds: float
    """Duration for which it had held without a break at the end."""
    waited_seconds: float
    last: CheckResult

    @property
    def holds(self) -> bool:
        """Tell whether it held for the whole time asked for."""
        return self.outcome is HoldOutcome.HELD


@dataclass(frozen=True, slots=True)
class Hold:
    """Duration a check must hold, and the time to give up."""

    seconds: float
    """Without a break; 0: one answer is enough."""
    give_up_seconds: float
    """Counted from the start of the check."""
    step_seconds: float = 5.0
    """Time between two evaluations. Samples older than three of these prove nothing."""


def compile_check(text: str) -> Expression:
    """Return an expression that can be true or false: one that leaves out what does not fit.

    Raises:
        ExpressionRefused: It is refused by the evaluator, or always has a result, such as ``up`` or
        ``a > bool 1``.
    """
    expression = compile_expression(text)
    if not expression.filters:
        raise never_false(text)
    return expression


def never_false(text: str) -> ExpressionRefused:
    """Return the refusal of an expression that always has a result."""
    return ExpressionRefused(text, "it is never false; compare it (`... > 0`, without bool)")


def check(
    expression: Expression,
    store: Samples,
    now: datetime,
    scrape_seconds: float = SCRAPE_SECONDS,
    limits: QueryLimits = DEFAULT_LIMITS,
) -> CheckResult:
    """Evaluate once; true needs a result and samples for the whole range.

    Args:
        expression: A result of `compile_check`.
        store: The samples.
        now: The instant.
        scrape_seconds: The time between two scrapes; three may be missing at each end of a range.
        limits: What the evaluation may cost.
    """
    if expression.judgement is None:
        raise never_false(expression.text)
    instant = Instant(store, milliseconds(now), Cost(limits))
    try:
        found = expression.judgement.judge(instant, round(MISSED_SCRAPES * scrape_seconds * 1000))
    except EvaluationFailed as error:
        return CheckResult(expression.text, None, (), now, error.message)
    samples = tuple(found.samples) if found.holds else ()
    return CheckResult(expression.text, found.holds, samples, now, found.reason)


def check_for(
    expression: Expression,
    store: Samples,
    hold: Hold,
    clock: Clock,
    stop: threading.Event,
    limits: QueryLimits = DEFAULT_LIMITS,
) -> HeldResult:
    """Evaluate periodically until it has held long enough, the time is up or ``stop`` is set.

    An answer counts only when samples have arrived since the start and within the last three steps:
    what was true before the repair, or before the scrape broke, proves nothing.
    """
    started, started_ms = clock.monotonic(), milliseconds(clock.now())
    held_since: float | None = None
    while True:
        now, elapsed = clock.now(), clock.monotonic() - started
        result = check(expression, store, now, hold.step_seconds, limits)
        oldest_ms = max(started_ms, milliseconds(now) - 3000 * hold.step_seconds)
        if result.holds and (store.newest_ms() or 0) >= oldest_ms:
            held_since = elapsed if held_since is None else held_since
        else:
            held_since = None
        held = 0.0 if held_since is None else elapsed - held_since
        if held_since is not None and held >= hold.seconds:
            return HeldResult(HoldOutcome.HELD, held, elapsed, result)
        if elapsed >= hold.give_up_seconds:
            return HeldResult(HoldOutcome.GAVE_UP, held, elapsed, result)
        if clock.wait(stop, hold.step_seconds):
            return HeldResult(HoldOutcome.STOPPED, held, elapsed, result)
