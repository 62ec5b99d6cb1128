"""Judges drift of features and scores against a reference profile."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from trimtab.models.monitoring.profile import FeatureProfile, ReferenceProfile
from trimtab.models.monitoring.psi import noise_floor, psi
from trimtab.models.monitoring.window import FeatureCounts, WindowState

MILD = 0.2
"""PSI from which drift is notable (P3)."""
SEVERE = 0.3
"""PSI above which drift needs action (P2)."""
SMALLEST = 0.01
"""PSI under which a change has no practical meaning, however certain it is."""
_DECIDABLE = 0.1
"""Noise floor above which a window is too small: half of the lowest threshold."""
_MIN_FACTOR = 1.5
_SURE_FACTOR = 5.0
_UNITS = (
    *(10.0**power for power in range(1, 10)),
    *(12.0, 24.0, 60.0, 3600.0, 86_400.0),
    *(1.609, 2.205, 2.54, 3.281, 3.785, 4.186, 28.35, 30.48),
)
"""Factors of common units: powers of ten, months, times, miles, pounds, inches, feet, gallons,
calories, ounces."""


class DriftVerdict(StrEnum):
    """Judgement about the drift of one feature."""

    NOT_ENOUGH_DATA = "not enough data"
    STABLE = "stable"
    CHANGED = "changed"
    """More than noise, below the thresholds of alerts."""
    MILD_DRIFT = "mild drift"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """Drift and data quality of one feature in a window."""

    feature: str
    verdict: DriftVerdict
    psi: float
    """NaN when the window is too small to say."""
    noise_floor: float
    rows: int
    null_rate: float
    unseen_rate: float
    """Share of categories that the reference does not have; 0 for numbers."""
    unit_factor: float | None = None
    """The values look like the reference's multiplied by this; None when they do not."""
    shares: tuple[float, ...] = ()
    reference_shares: tuple[float, ...] = ()
    reference_null_rate: float = 0.0

    @property
    def drifted(self) -> bool:
        """Return whether the change is more than noise and large enough to matter."""
        return self.verdict in (DriftVerdict.CHANGED, DriftVerdict.MILD_DRIFT, DriftVerdict.DRIFT)


def judge_feature(
    profile: FeatureProfile, counts: FeatureCounts, level: float = 0.001
) -> FeatureDrift:
    """Return the drift of one feature.

    Args:
        profile: Of the reference.
        counts: Of the window.
        level: Probability of a false alarm for this one feature.
    """
    rows = counts.rows
    floor = noise_floor(profile.bins, rows, profile.rows, profile.dispersion, level)
    value = psi(profile.shares, profile.rows, counts.bins) if rows else math.nan
    verdict = _verdict(value, floor)
    if verdict is DriftVerdict.NOT_ENOUGH_DATA:
        value = math.nan
    return FeatureDrift(
        profile.feature,
        verdict,
        value,
        floor,
        rows,
        counts.null_rate,
        counts.unseen / rows if rows else math.nan,
        None if verdict is DriftVerdict.NOT_ENOUGH_DATA else unit_factor(profile, counts),
        tuple(float(c) / rows for c in counts.bins) if rows else (),
        profile.shares,
        profile.null_rate,
    )


def _verdict(value: float, floor: float) -> DriftVerdict:
    if floor > _DECIDABLE:
        return DriftVerdict.NOT_ENOUGH_DATA
    if value <= max(floor, SMALLEST):
        return DriftVerdict.STABLE
    if value < MILD:
        return DriftVerdict.CHANGED
    return DriftVerdict.DRIFT if value > SEVERE else DriftVerdict.MILD_DRIFT


def unit_factor(profile: FeatureProfile, counts: FeatureCounts) -> float | None:
    """Return the factor of a change of unit, or None when the values do not look like one.

    Multiplication by k moves the mean of log |x| by log k and nothing else: the spread of the logs
    and the share of positive values stay. A factor near that of a common unit is taken for it. A
    factor under five counts only then, because prices and ages drift by such factors too.
    """
    if profile.log_mean is None or profile.log_deviation is None or counts.nonzero < 100:
        return None
    mean = counts.log_sum / counts.nonzero
    spread = math.sqrt(max(0.0, counts.log_squares / counts.nonzero - mean * mean))
    factor = math.exp(min(700.0, max(-700.0, mean - profile.log_mean)))
    size = max(factor, 1 / factor)
    error = profile.log_deviation * math.sqrt(1 / counts.nonzero + 1 / max(1, profile.rows))
    # Small factors are dense, so the tolerance for them is bounded.
    tolerance = 0.02 + 2 * error
    tolerance = tolerance if size >= _SURE_FACTOR else min(0.05, tolerance)
    nearest = min(_UNITS, key=lambda unit: abs(math.log(size / unit)))
    is_near = abs(math.log(size / nearest)) < tolerance
    if size < _MIN_FACTOR or not (size >= _SURE_FACTOR or is_near):
        return None
    if is_near:
        factor = nearest if factor > 1 else 1 / nearest
    positive = counts.positive / counts.rows
    same_shape = abs(spread - profile.log_deviation) <= 0.1 * max(profile.log_deviation, 0.1)
    same_signs = abs(positive - (profile.positive_share or 0.0)) <= 0.05
    return factor if same_shape and same_signs else None


@dataclass(frozen=True, slots=True)
class ModelDrift:
    """Drift of a model in a window."""

    score: float
    """Overall PSI; NaN when no feature has enough data. See `overall`."""
    features: tuple[FeatureDrift, ...]
    """Largest PSI first."""
    scores: FeatureDrift | None
    """Drift of the model's own scores."""

    @property
    def verdict(self) -> DriftVerdict:
        """Return the judgement about the model: that of its overall PSI."""
        if math.isnan(self.score):
            return DriftVerdict.NOT_ENOUGH_DATA
        if self.score > SEVERE:
            return DriftVerdict.DRIFT
        if self.score >= MILD:
            return DriftVerdict.MILD_DRIFT
        drifted = any(each.drifted for each in self.features)
        return DriftVerdict.CHANGED if drifted else DriftVerdict.STABLE


def judge_window(
    profile: ReferenceProfile, state: WindowState, family_level: float = 0.01
) -> ModelDrift:
    """Return the drift of every feature and of the model.

    Args:
        profile: The reference.
        state: The counts of the window.
        family_level: Probability that any of the features raises a false alarm (Bonferroni).
    """
    level = family_level / max(1, len(profile.features))
    judged = [judge_feature(each, state.features[each.feature], level) for each in profile.features]
    scores = None
    if profile.score is not None and state.score is not None:
        scores = judge_feature(profile.score, state.score, family_level)
    weights = {each.feature: each.weight for each in profile.features}
    ordered = sorted(judged, key=lambda each: -1.0 if math.isnan(each.psi) else each.psi)[::-1]
    return ModelDrift(overall(judged, weights), tuple(ordered), scores)


def overall(features: Iterable[FeatureDrift], weights: dict[str, float | None]) -> float:
    """Return one PSI for the model.

    The mean of the features' PSI, weighted by their importance: a change of what the model does not
    use does not affect it. Without stated importances it is the largest PSI. Features without
    enough data are left out.
    """
    known = [each for each in features if not math.isnan(each.psi)]
    if not known:
        return math.nan
    if any(weights.get(each.feature) is None for each in known):
        return max(each.psi for each in known)
    whole = sum(weights[each.feature] or 0.0 for each in known)
    if not whole:
        return max(each.psi for each in known)
    return sum(each.psi * (weights[each.feature] or 0.0) for each in known) / whole
