"""Follows a problem down the call graph by what each callee contributes to it.

The time (or the failed requests) of a node per request of the entry point is an amount that callees
pass on to their callers. The search starts at the entry point and goes to the callee that explains
the largest part of what has been added, as long as that is a large part and more than the callee
varies anyway. Where it ends, nothing below explains the problem: that node is the cause.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trimtab.incidents.rca.frame import Array, MetricColumn, MetricFrame

Symptom = Literal["latency", "availability"]
EXPLAINS = 0.4
"""Part of a caller's addition that a callee must explain."""
SIGNIFICANT = 3.0
"""Standard deviations that an addition must have."""


@dataclass(frozen=True, slots=True)
class Target:
    """Node and metric in which the problem shows."""

    node: str
    metric: Symptom


@dataclass(frozen=True, slots=True)
class Addition:
    """Amount that a node has added per request of the target."""

    node: str
    amount: float
    """Seconds, or failed requests."""
    significance: float
    """In standard deviations of the normal amount over windows of the same length."""


def additions(normal: MetricFrame, abnormal: MetricFrame, target: Target) -> dict[str, Addition]:
    """Return what each node has added; nodes without the needed metrics are left out."""
    found = {}
    for node in {column.node for column in normal.columns}:
        before, now = _amount(normal, node, target), _amount(abnormal, node, target)
        if before is None or now is None:
            continue
        means = _rolling_means(before, len(now))
        usual = float(np.median(before)) if target.metric == "latency" else float(np.mean(before))
        added = float(np.mean(now)) - usual
        found[node] = Addition(node, added, added / max(float(np.std(means)), 1e-9))
    return found


def descend(
    added: Mapping[str, Addition], graph: Mapping[str, Sequence[str]], target: Target
) -> list[str]:
    """Return the path from the target to the node that explains the problem."""
    path = [target.node]
    while True:
        above = added[path[-1]].amount if path[-1] in added else 0.0
        callees = [
            added[name]
            for name in graph.get(path[-1], ())
            if name in added
            and name not in path
            and added[name].significance >= SIGNIFICANT
            and added[name].amount >= EXPLAINS * max(above, 1e-9)
        ]
        if not callees:
            return path
        path.append(max(callees, key=lambda each: each.amount).node)


def _amount(frame: MetricFrame, node: str, target: Target) -> Array | None:
    requests = frame.get(MetricColumn(node, "requests", "Sum"))
    entered = frame.get(MetricColumn(target.node, "requests", "Sum"))
    values = frame.get(MetricColumn(node, target.metric, "Average"))
    if requests is None or values is None or entered is None:
        return None
    if target.metric == "availability":
        # An interval without requests has no failures.
        values = (100.0 - np.where(np.isnan(values), 100.0, values)) / 100.0
    total = np.nan_to_num(values) * np.nan_to_num(requests)
    return np.asarray(total / np.maximum(np.nan_to_num(entered), 1.0), dtype=np.float64)


def _rolling_means(values: Array, length: int) -> Array:
    if len(values) <= length:
        return values
    kernel = np.ones(length) / length
    return np.asarray(np.convolve(values, kernel, mode="valid"), dtype=np.float64)
