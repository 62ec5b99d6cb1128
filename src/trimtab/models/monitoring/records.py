"""Records of model monitoring: monitored models and what was computed of their windows."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Self

from trimtab.models.monitoring.observations import Observation
from trimtab.models.monitoring.profile import ReferenceProfile


@dataclass(frozen=True, slots=True)
class MonitoredModel:
    """A model whose predictions are monitored, wherever it runs."""

    name: str
    reference: ReferenceProfile
    reference_id: str
    """Depends on the reference only; states of another one are not comparable."""
    source: str
    """Where the reference comes from: a version of the registry, or sent rows."""
    at: datetime
    """Predictions from before do not count for the accuracy; that of the last change."""
    actor: str

    def prediction_of(self, observation: Observation) -> str | None:
        """Return what was predicted; from the score, at 0.5, when only that is known."""
        if observation.prediction is not None or observation.score is None:
            return observation.prediction
        positive = self.reference.positive
        negative = "0" if positive == "1" else f"not {positive}"
        return positive if observation.score >= 0.5 else negative


def _plain(value: Any) -> Any:
    """Return a value for SQL: NaN and infinity are NULL."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _back(record: type[Any], row: Mapping[Any, Any]) -> dict[str, Any]:
    floats = {each.name for each in fields(record) if each.type is float}
    return {
        each.name: math.nan if row[each.name] is None and each.name in floats else row[each.name]
        for each in fields(record)
    }


@dataclass(frozen=True, slots=True)
class MetricWindow:
    """One row of ``model_metrics``; NaN where nothing could be measured."""

    model: str
    window_start: str
    window_end: str
    requests: float
    errors: float
    error_rate: float
    latency_p50_seconds: float
    latency_p99_seconds: float
    labelled: float
    f1: float
    precision: float
    recall: float
    accuracy: float
    estimated_f1: float
    estimated_f1_error: float
    drift_score: float
    drift_verdict: str
    computed_at: str

    COLUMNS: ClassVar[tuple[str, ...]] = ()

    def as_row(self) -> dict[str, Any]:
        """Return the row of the table."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_row(cls, row: Mapping[Any, Any]) -> Self:
        """Return the record of a row of the table."""
        return cls(**_back(cls, row))


@dataclass(frozen=True, slots=True)
class FeatureWindow:
    """One row of ``data_quality`` and of ``feature_drift``."""

    model: str
    window_start: str
    feature: str
    window_end: str
    rows: int
    null_rate: float
    unseen_rate: float
    unit_factor: float
    psi: float
    noise_floor: float
    verdict: str

    COLUMNS: ClassVar[tuple[str, ...]] = ()

    def as_row(self) -> dict[str, Any]:
        """Return the row of the table."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_row(cls, row: Mapping[Any, Any]) -> Self:
        """Return the record of a row of the table."""
        return cls(**_back(cls, row))


MetricWindow.COLUMNS = tuple(each.name for each in fields(MetricWindow))
FeatureWindow.COLUMNS = tuple(each.name for each in fields(FeatureWindow))
