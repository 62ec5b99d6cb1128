"""Online monitoring: quality metrics, drift, and known questions."""

from trimtab.evaluation.online.canary import Canary, CanaryProbe, CanaryReport
from trimtab.evaluation.online.drift import DriftReport, drift
from trimtab.evaluation.online.metrics import QualityMetrics, quality_metrics
from trimtab.evaluation.online.quality_monitor import QualityMonitor
from trimtab.evaluation.online.store import SampleStore

__all__ = [
    "Canary",
    "CanaryProbe",
    "CanaryReport",
    "DriftReport",
    "QualityMetrics",
    "QualityMonitor",
    "SampleStore",
    "drift",
    "quality_metrics",
]
