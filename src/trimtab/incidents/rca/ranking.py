"""Ranks the nodes of a system as causes of a problem, or abstains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.incidents.rca.contribution import SIGNIFICANT, Addition, Target, additions, descend
from trimtab.incidents.rca.frame import Array, MetricFrame, common
from trimtab.incidents.rca.shifts import METHODS, ensemble, sustained_shift

SHIFTED = 5.6
"""Interquartile ranges by which the most shifted metric must have moved for a cause to be named.

Twice what `benchmarks/rca_thresholds.py` finds in simulated normal time, because real normal time
is less regular.
"""
_MIN_ROWS = 3


@dataclass(frozen=True, slots=True)
class RankedNode:
    """A node that may be the cause."""

    node: str
    score: float
    """The larger the likelier; comparable within one ranking only."""
    evidence: str
    """What speaks for it, as a clause."""


@dataclass(frozen=True, slots=True)
class CauseRanking:
    """Possible causes, the likeliest first."""

    nodes: tuple[RankedNode, ...]
    method: str
    abstained_because: str = ""
    """Why no cause is named; the nodes are then no answer."""

    @property
    def cause(self) -> str:
        """Return the likeliest node; empty when it abstains."""
        return "" if self.abstained_because or not self.nodes else self.nodes[0].node


def rank_causes(
    normal: MetricFrame,
    abnormal: MetricFrame,
    graph: Mapping[str, Sequence[str]] | None = None,
    target: Target | None = None,
) -> CauseRanking:
    """Rank nodes as causes of what happened in the abnormal window.

    With a call graph and a target it follows contributions; else it ranks nodes by their most
    shifted metric.

    Args:
        normal: Metrics of the time before.
        abnormal: Metrics of the time of the problem.
        graph: The nodes that each node calls.
        target: Where the problem shows.
    """
    normal, abnormal = common(normal, abnormal)
    if len(normal.values) < _MIN_ROWS or len(abnormal.values) < _MIN_ROWS:
        return CauseRanking((), "none", "there are too few samples")
    if not normal.columns:
        return CauseRanking((), "none", "no metric was measured both before and during the problem")
    if graph and target is not None:
        return _by_contribution(normal, abnormal, graph, target)
    return by_shift(normal, abnormal)


def by_shift(normal: MetricFrame, abnormal: MetricFrame, method: str = "ensemble") -> CauseRanking:
    """Rank nodes by their most shifted metric.

    Args:
        normal: Metrics of the time before.
        abnormal: Metrics of the same columns at the time of the problem.
        method: ``ensemble`` or one of `METHODS`.
    """
    score = ensemble if method == "ensemble" else METHODS[method]
    scores = score(normal.values, abnormal.values)
    moved = sustained_shift(normal.values, abnormal.values)
    nodes = _best_columns(normal, scores, moved)
    because = ""
    if float(np.max(moved)) < SHIFTED:
        because = (
            f"no metric has moved for good: the largest shift is {float(np.max(moved)):.1f} of its"
            f" usual spread, and {SHIFTED:g} are needed"
        )
    return CauseRanking(nodes, method, because)


def _best_columns(frame: MetricFrame, scores: Array, moved: Array) -> tuple[RankedNode, ...]:
    best: dict[str, int] = {}
    # By score, then by the shift itself: methods give equal places to equal columns.
    for place in np.lexsort((-moved, -scores)):
        best.setdefault(frame.columns[place].node, int(place))
    return tuple(
        RankedNode(
            node,
            float(scores[place]),
            f"{frame.columns[place].name} moved by {float(moved[place]):.1f} times its spread",
        )
        for node, place in best.items()
    )


def _by_contribution(
    normal: MetricFrame,
    abnormal: MetricFrame,
    graph: Mapping[str, Sequence[str]],
    target: Target,
) -> CauseRanking:
    added = additions(normal, abnormal, target)
    if target.node not in added:
        missing = f"{target.node} has no {target.metric} and requests"
        return CauseRanking((), "contribution", missing)
    path = descend(added, graph, target)
    others = sorted(added.values(), key=lambda each: -each.amount)
    order = [*reversed(path), *(each.node for each in others if each.node not in path)]
    nodes = tuple(
        RankedNode(name, added[name].amount, _added_text(added[name], target)) for name in order
    )
    found = added[path[-1]]
    because = ""
    if found.significance < SIGNIFICANT:
        because = (
            f"{found.node} is as it usually is: what has been added is {found.significance:.1f}"
            f" standard deviations, and {SIGNIFICANT:g} are needed"
        )
    return CauseRanking(nodes, "contribution", because)


def _added_text(addition: Addition, target: Target) -> str:
    unit = "s" if target.metric == "latency" else "failed requests"
    return (
        f"{addition.amount:+.4g} {unit} a request of {target.node}"
        f" ({addition.significance:.1f} standard deviations)"
    )
