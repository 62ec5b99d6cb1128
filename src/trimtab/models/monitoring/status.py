"""Options, batch results and judgements of the monitor."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab.models.monitoring.drift import ModelDrift
from trimtab.models.monitoring.performance import Estimate, Performance

DRILL_PREFIX = "drill-"
"""Begins the names of models that drills make and delete."""


@dataclass(frozen=True, slots=True)
class MonitoringOptions:
    """Windows and retention of the monitoring of models."""

    window: timedelta = timedelta(minutes=15)
    recent: timedelta = timedelta(minutes=60)
    """What a judgement looks at."""
    keep: timedelta = timedelta(days=30)
    drift_p1: float = 0.4
    """Overall PSI above which drift is critical."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Counts of the lines of a batch."""

    received: int
    stored: int
    repeated: int
    """Lines whose id was known already; they change nothing."""
    ignored_features: tuple[str, ...] = ()
    """Features that the reference does not have."""


@dataclass(frozen=True, slots=True)
class MonitoredStatus:
    """Judgement about the recent windows of a model."""

    model: str
    at: datetime
    since: datetime
    requests: int
    errors: int
    latency_p50_seconds: float
    latency_p99_seconds: float
    performance: Performance
    estimate: Estimate
    label_share: float
    """Share of predictions of a day ago that have a label by now; NaN without any, and for a model
    that never had labels."""
    drift: ModelDrift

    @property
    def error_rate(self) -> float:
        """Return the share of failed requests; NaN without requests."""
        return self.errors / self.requests if self.requests else math.nan

    @property
    def is_drill(self) -> bool:
        """Return whether the model is one of a drill."""
        return self.model.startswith(DRILL_PREFIX)
