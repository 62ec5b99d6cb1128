"""Root causes from metrics: ranks the nodes of a system by how they explain a problem."""

from trimtab.incidents.rca.frame import MetricColumn, MetricFrame
from trimtab.incidents.rca.ranking import RankedNode, Ranking, rank_causes

__all__ = ["MetricColumn", "MetricFrame", "RankedNode", "Ranking", "rank_causes"]
