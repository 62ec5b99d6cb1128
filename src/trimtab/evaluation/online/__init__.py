"""Watching itself: how answers fare now, against a baseline, and against known questions."""

from trimtab.evaluation.online.canary import Canary, CanaryReport, Probe
from trimtab.evaluation.online.drift import DriftReport, drift
from trimtab.evaluation.online.metrics import QualityMetrics, quality_metrics
from trimtab.evaluation.online.quality_monitor import QualityMonitor
from trimtab.evaluation.online.store import SampleStore

__all__ = [
    "Canary",
    "CanaryReport",
    "DriftReport",
    "Probe",
    "QualityMetrics",
    "QualityMonitor",
    "SampleStore",
    "drift",
    "quality_metrics",
]
