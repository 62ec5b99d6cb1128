"""Root causes from metrics: ranks the nodes of a system by how they explain a problem."""

from trimtab.incidents.rca.frame import MetricColumn, MetricFrame
from trimtab.incidents.rca.ranking import CauseRanking, RankedNode, rank_causes
from trimtab.incidents.rca.traversal import Graph

__all__ = ["CauseRanking", "Graph", "MetricColumn", "MetricFrame", "RankedNode", "rank_causes"]
