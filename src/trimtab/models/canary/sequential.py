"""Sequential test of two rates that may be looked at after every request.

The bounds of each rate hold at all times together with the stated probability, so a decision at any
moment, also the first possible one, keeps its error rate. They come from the mixture martingale of
Robbins for Bernoulli trials with Jeffreys' prior, by Ville's inequality: see Howard et al., 2021,
"Time-uniform, nonparametric, nonasymptotic confidence sequences", doi:10.1214/20-AOS1991.

Assumed: requests of one arm fail independently with one probability.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

_PRIOR = 0.5
_STEPS = 60
"""Halvings of an interval in [0, 1]: its width is below 1e-17 then."""


class RateVerdict(StrEnum):
    """Verdict of the test about one rate."""

    WORSE = "worse"
    """The candidate's rate is higher."""
    NOT_WORSE = "not_worse"
    """It is higher by less than the margin, if at all."""
    OPEN = "open"
    """Neither can be said yet."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Requests of one arm, and how many of them were bad."""

    count: int = 0
    bad: int = 0

    def __add__(self, other: "Trials") -> "Trials":
        return Trials(self.count + other.count, self.bad + other.bad)


NO_TRIALS = Trials()


def bounds(trials: Trials, alpha: float) -> tuple[float, float]:
    """Return lower and upper bound of the rate; both hold at all times but with chance alpha."""
    if not trials.count:
        return 0.0, 1.0
    good, bad = trials.count - trials.bad, trials.bad
    limit = _log_beta(bad + _PRIOR, good + _PRIOR) - _log_beta(_PRIOR, _PRIOR) + math.log(alpha)

    def is_outside(rate: float) -> bool:
        return limit > _log_power(rate, bad) + _log_power(1 - rate, good)

    estimate = bad / trials.count
    low = 0.0 if not bad else _edge(is_outside, outside=0.0, inside=estimate)
    high = 1.0 if not good else _edge(is_outside, outside=1.0, inside=estimate)
    return low, high


def compare(production: Trials, candidate: Trials, margin: float, alpha: float) -> RateVerdict:
    """Compare the rates of both arms.

    Args:
        production: What serves.
        candidate: What may serve next.
        margin: A candidate whose rate is higher by less is not worse.
        alpha: Chance of each of the two wrong decisions, however often this is asked.
    """
    low, high = bounds(candidate, alpha / 2)
    production_low, production_high = bounds(production, alpha / 2)
    if low > production_high:
        return RateVerdict.WORSE
    if high - production_low < margin:
        return RateVerdict.NOT_WORSE
    return RateVerdict.OPEN


def _edge(is_outside: Callable[[float], bool], outside: float, inside: float) -> float:
    """Return the bound between a rate that is excluded and one that is not, by bisection."""
    for _ in range(_STEPS):
        middle = (outside + inside) / 2
        if is_outside(middle):
            outside = middle
        else:
            inside = middle
    return outside


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_power(base: float, exponent: float) -> float:
    if not exponent:
        return 0.0
    return exponent * math.log(base) if base > 0 else -math.inf
