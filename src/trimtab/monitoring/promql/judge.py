"""Three-valued judgement of checks: holds, does not hold, cannot tell.

The value of an expression is what Prometheus gives. The judgement adds what Prometheus does not
ask: are there samples at all, and do they cover the ranges that the expression looks back over? No
data is never an answer.
"""

from dataclasses import dataclass

from promql_parser import BinaryExpr, Expr

from trimtab.monitoring.labels import METRIC_NAME, value_of
from trimtab.monitoring.promql.calls import unwrapped
from trimtab.monitoring.promql.compiler import Compiler
from trimtab.monitoring.promql.coverage import covered_ms, covers
from trimtab.monitoring.promql.selectors import Selector
from trimtab.monitoring.promql.values import Instant, Vector, VectorNode


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """Answer of a check at one instant."""

    holds: bool | None
    """None: the samples cannot tell."""
    samples: Vector
    """The elements for which it holds."""
    reason: str = ""
    """Why the samples cannot tell."""
    short: bool = False
    """True when there are samples, but not for all of the time that is asked about."""


@dataclass(frozen=True, slots=True)
class JudgedExpression:
    """Part of an expression that is judged as a unit.

    Args:
        run: Its value.
        selectors: What it reads.
        parts: The operands when it is ``and``, ``or`` or ``unless``.
        symbol: Which of them it is.
    """

    run: VectorNode
    selectors: tuple[Selector, ...]
    parts: tuple["JudgedExpression", ...] = ()
    symbol: str = ""

    def judge(self, instant: Instant, tolerance_ms: int) -> CheckAnswer:
        """Return the answer at the instant.

        Args:
            instant: The samples and the time.
            tolerance_ms: How much of a range may be missing at each of its ends.

        Raises:
            EvaluationFailed: The samples do not allow the operation.
        """
        if self.symbol == "or":
            return _either([part.judge(instant, tolerance_ms) for part in self.parts])
        found = self.run(instant)
        if self.symbol:
            operands = [part.judge(instant, tolerance_ms) for part in self.parts]
            return _joined(self.symbol, found, operands)
        return self._leaf(found, instant, tolerance_ms)

    def _leaf(self, found: Vector, instant: Instant, tolerance_ms: int) -> CheckAnswer:
        why = _missing(self.selectors, instant)
        if why:
            return CheckAnswer(None, [], why)
        short = _short(self.selectors, instant, tolerance_ms)
        if not short:
            return CheckAnswer(bool(found), found)
        sure = self.run(Instant(instant.store, instant.at_ms, instant.cost, tolerance_ms))
        known = {element.labels for element in sure}
        certain = [element for element in found if element.labels in known]
        return (
            CheckAnswer(holds=True, samples=certain)
            if certain
            else CheckAnswer(None, [], short, short=True)
        )


def compile_judgement(expression: str, tree: Expr) -> JudgedExpression:
    """Return the expression, ready to be judged at any instant."""
    node = unwrapped(tree)
    compiler = Compiler(expression)
    run = compiler.vector(node)
    selectors = tuple(compiler.selectors)
    if isinstance(node, BinaryExpr) and str(node.op) in {"and", "or", "unless"}:
        parts = (compile_judgement(expression, node.lhs), compile_judgement(expression, node.rhs))
        return JudgedExpression(run, selectors, parts, str(node.op))
    return JudgedExpression(run, selectors)


def _either(sides: list[CheckAnswer]) -> CheckAnswer:
    samples = [element for side in sides for element in side.samples]
    if any(side.holds for side in sides):
        return CheckAnswer(holds=True, samples=samples)
    return next(
        (side for side in sides if side.holds is None), CheckAnswer(holds=False, samples=[])
    )


def _joined(symbol: str, found: Vector, operands: list[CheckAnswer]) -> CheckAnswer:
    """Judge ``and`` and ``unless`` from their value and their operands.

    The value decides, unless an operand that it depends on is unknown.

    The right side of ``unless`` may be without data: `x == 0 unless backup_age` asks just that.
    """
    left, right = operands
    if left.holds is False or (symbol == "and" and right.holds is False):
        return CheckAnswer(holds=False, samples=[])
    if left.holds is None:
        return left
    if right.holds is None and (symbol == "and" or right.short):
        return right
    return CheckAnswer(bool(found), found)


def _missing(selectors: tuple[Selector, ...], instant: Instant) -> str:
    names = [_name(each) for each in selectors if not _has_data(each, instant)]
    return f"no samples of {', '.join(dict.fromkeys(names))}" if names else ""


def _has_data(selector: Selector, instant: Instant) -> bool:
    return bool(selector.windows(instant) if selector.range_ms else selector.latest(instant))


def _short(selectors: tuple[Selector, ...], instant: Instant, tolerance_ms: int) -> str:
    for selector in selectors:
        if not selector.needs_cover:
            continue
        span, counter = selector.span(instant), selector.counter
        for window in selector.windows(instant):
            if not covers(window, span, tolerance_ms, counter=counter):
                seconds = covered_ms(window, span, counter=counter) / 1000
                name = value_of(window.labels, METRIC_NAME)
                return (
                    f"samples of {name} cover {seconds:.0f} s of the "
                    f"{selector.range_ms / 1000:.0f} s that it looks back"
                )
    return ""


def _name(selector: Selector) -> str:
    return selector.selection.metric or "any metric that it selects"
