"""Online monitoring: quality metrics, drift, and known questions."""

from trimtab.evaluation.online.canary import Canary
from trimtab.evaluation.online.quality_monitor import QualityMonitor
from trimtab.evaluation.online.store import SampleStore

__all__ = ["Canary", "QualityMonitor", "SampleStore"]
