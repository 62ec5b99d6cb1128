"""Follows a problem down the dependency graph from node to node that has moved.

A node that has moved explains the nodes that depend on it. The cause is a node that is reached from
where the problem shows, and whose own dependencies are as usual. A node without metrics hides
nothing: the search continues through it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from trimtab.incidents.rca.frame import MetricFrame
from trimtab.incidents.rca.ranking import SHIFTED, CauseRanking, RankedNode, rank_causes
from trimtab.incidents.rca.shifts import sustained_shift

Graph = Mapping[str, Sequence[str]]
"""The nodes that each node depends on."""


def by_traversal(
    normal: MetricFrame, abnormal: MetricFrame, graph: Graph, target: str
) -> CauseRanking:
    """Rank nodes by their metrics and by their place below the node where the problem shows.

    Args:
        normal: Metrics of the time before.
        abnormal: Metrics of the same columns at the time of the problem.
        graph: The nodes that each node depends on.
        target: The node where the problem shows.
    """
    shifted = rank_causes(normal, abnormal)
    if shifted.abstained_because:
        return shifted
    unusual = _unusual(normal, abnormal)
    measured = {column.node for column in normal.columns}
    known = {*graph, *(name for callees in graph.values() for name in callees)}
    paths = _paths(graph, target, unusual, measured)

    def place(node: RankedNode) -> int:
        if node.node not in unusual:
            return 4
        if node.node in paths:
            below = _paths(graph, node.node, unusual, measured).keys() & unusual
            # Nodes of a circle explain each other: each of them may be the cause.
            explained = any(node.node not in _paths(graph, n, unusual, measured) for n in below)
            return 1 if explained else 0
        return 3 if node.node in known else 2

    nodes = sorted(shifted.nodes, key=lambda node: (place(node), -node.score))
    because = ""
    if place(nodes[0]) == 3:
        moved = ", ".join(node.node for node in nodes if place(node) == 3)
        because = f"only {moved} moved, which {target} does not depend on"
    shown = tuple(_with_path(node, paths.get(node.node, ())) for node in nodes)
    return CauseRanking(shown, "traversal", because)


def _unusual(normal: MetricFrame, abnormal: MetricFrame) -> set[str]:
    moved = sustained_shift(normal.values, abnormal.values)
    return {
        column.node
        for column, by in zip(normal.columns, moved, strict=True)
        if float(by) >= SHIFTED
    }


def _paths(
    graph: Graph, start: str, unusual: set[str], measured: set[str]
) -> dict[str, tuple[str, ...]]:
    """Return the shortest path to each node that is reached without a node that is as usual."""
    found: dict[str, tuple[str, ...]] = {start: (start,)}
    waiting = [start]
    for node in waiting:
        # Of two paths of the same length the one through nodes that moved counts.
        for callee in sorted(graph.get(node, ()), key=lambda name: name not in unusual):
            if callee not in found and (callee in unusual or callee not in measured):
                found[callee] = (*found[node], callee)
                waiting.append(callee)
    return found


def _with_path(node: RankedNode, path: Sequence[str]) -> RankedNode:
    if len(path) < 2:
        return node
    return replace(node, evidence=f"{node.evidence}; {' -> '.join(path)}")
