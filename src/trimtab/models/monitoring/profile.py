"""Reference profiles: the distribution of each feature that a model was trained on."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from trimtab.models.monitoring.errors import BadReference
from trimtab.models.monitoring.psi import dispersion, shares_of

Values = NDArray[Any]
"""A column: floats with NaN for missing, or texts with None or "" for missing."""
_TENTHS = np.arange(1, 10) / 10
_MAX_VALUES = 20
"""Up to this many different values, each value has a bin of its own."""
_MAX_KNOWN = 1000
"""Rarer categories that are remembered, so that they do not count as unseen."""
CALIBRATION_BINS = 20
_BLOCKS = 10
_MAX_BINS = 400
_MAX_NAME = 200
_NUMBERS = ("null_rate", "dispersion", "log_mean", "log_deviation", "positive_share", "weight")


@dataclass(frozen=True, slots=True)
class FeatureProfile:
    """Distribution of one feature in the reference data; the pinned bins of its PSI."""

    feature: str
    edges: tuple[float, ...] = ()
    """Inner edges of the bins of a number, ascending; a value on an edge is in the upper bin."""
    categories: tuple[str, ...] = ()
    """The most frequent categories, each with a bin; one more bin has all others."""
    rare: tuple[str, ...] = ()
    """Categories without a bin of their own that the reference has too."""
    shares: tuple[float, ...] = ()
    """Share of each bin among the values that are not missing."""
    rows: int = 0
    """Values of the reference that are not missing."""
    null_rate: float = 0.0
    dispersion: float = 1.0
    """How much more the reference's own blocks differ than chance explains; at least 1."""
    log_mean: float | None = None
    """Mean of log |x| over values other than 0; a change of unit moves only this."""
    log_deviation: float | None = None
    positive_share: float | None = None
    weight: float | None = None
    """Importance of the feature for the model, if the model states it."""

    @property
    def is_number(self) -> bool:
        """Return whether the feature is a number, not a category."""
        return not self.categories

    @property
    def bins(self) -> int:
        """Return the number of bins."""
        return len(self.edges) + 1 if self.is_number else len(self.categories) + 1

    def bin_numbers(self, values: Values) -> NDArray[np.intp]:
        """Return the bin of each value; no value is missing."""
        if self.is_number:
            return np.searchsorted(np.asarray(self.edges), values, side="right")
        code = {category: number for number, category in enumerate(self.categories)}
        other = len(code)
        return np.fromiter((code.get(v, other) for v in values.tolist()), np.intp, len(values))


@dataclass(frozen=True, slots=True)
class ReferenceProfile:
    """Profiles of a model's features, and how its scores relate to the true labels."""

    features: tuple[FeatureProfile, ...]
    score: FeatureProfile | None = None
    """Distribution of the model's own scores."""
    positive: str = "1"
    """The label that F1, precision and recall are about."""
    calibration: tuple[float, ...] = ()
    """Share of positives by score, in 20 equal bins of [0, 1]; NaN-free; empty when unknown."""
    estimate_error: float | None = None
    """RMS error of the label-free F1 over ten blocks of the reference; None when unknown."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Columns of the reference that are not features, and why."""

    def to_json(self) -> dict[str, Any]:
        """Return the profile as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the profile from `to_json`.

        Raises:
            BadReference: The values do not make a profile.
        """
        try:
            score = data.get("score")
            features = tuple(_feature(each) for each in data["features"])
            if not features or len({each.feature for each in features}) != len(features):
                raise ValueError("there are no features, or two have one name")
            return cls(
                features=features,
                score=_feature(score) if score else None,
                positive=str(data.get("positive", "1")),
                calibration=_calibration(data.get("calibration", ())),
                estimate_error=None
                if data.get("estimate_error") is None
                else _finite(data["estimate_error"]),
                skipped=dict(data.get("skipped", {})),
            )
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise BadReference(f"The reference profile cannot be read: {error}.") from error


def _feature(data: Mapping[str, Any]) -> FeatureProfile:
    found = FeatureProfile(
        **{
            **data,
            "feature": _short(data["feature"]),
            "edges": tuple(map(_finite, data.get("edges", ()))),
            "categories": tuple(map(_short, data.get("categories", ()))),
            "rare": tuple(map(_short, data.get("rare", ()))),
            "shares": tuple(_finite(share) for share in data["shares"]),
            "rows": int(data["rows"]),
            **{name: _finite(data[name]) for name in _NUMBERS if data.get(name) is not None},
        }
    )
    if len(found.shares) != found.bins or found.bins > _MAX_BINS:
        raise ValueError(
            f"feature {found.feature!r} has {found.bins} bins and {len(found.shares)} shares"
        )
    if list(found.edges) != sorted(set(found.edges)):
        raise ValueError(f"the edges of {found.feature!r} do not ascend")
    if found.rows < 1 or min(found.shares) < 0 or abs(sum(found.shares) - 1) > 0.01:
        raise ValueError(f"the shares of {found.feature!r} do not sum to 1 over some rows")
    if found.dispersion < 1 or (found.weight or 0) < 0 or not 0 <= found.null_rate <= 1:
        raise ValueError(f"dispersion, weight or null rate of {found.feature!r} is out of range")
    return found


def _calibration(values: Any) -> tuple[float, ...]:
    found = tuple(map(_finite, values))
    if found and (len(found) != CALIBRATION_BINS or not all(0 <= rate <= 1 for rate in found)):
        raise ValueError(f"the calibration does not have {CALIBRATION_BINS} shares")
    return found


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number


def _short(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_NAME:
        raise ValueError(f"a name or category is not a text of at most {_MAX_NAME} characters")
    return value


def profile_feature(
    name: str, values: Values, weight: float | None = None, dispersion: float | None = None
) -> FeatureProfile:
    """Return the profile of one column of the reference.

    Args:
        name: The feature.
        values: In the order in which they occurred.
        weight: Importance for the model.
        dispersion: Given instead of estimated from blocks, when the rows have no order.

    Raises:
        BadReference: Every value is missing.
    """
    present = values[~is_missing(values)]
    if not len(present):
        raise BadReference(
            f"The feature {name!r} has no value in the reference data.",
            hint="Leave the column out, or give reference data that has it.",
        )
    missing = 1 - len(present) / len(values)
    found = (
        _number(name, present.astype(np.float64))
        if values.dtype.kind in "fiub"
        else _category(name, present.tolist())
    )
    numbers = found.bin_numbers(present)
    counts = np.bincount(numbers, minlength=found.bins)
    return replace(
        found,
        shares=shares_of(counts),
        rows=len(present),
        null_rate=missing,
        dispersion=_dispersion(numbers, found.bins) if dispersion is None else dispersion,
        weight=weight,
    )


def is_missing(values: Values) -> NDArray[np.bool_]:
    """Return which values are missing: NaN, infinite, None or the empty text."""
    if values.dtype.kind == "f":
        return ~np.isfinite(values)
    if values.dtype.kind in "iub":
        return np.zeros(len(values), np.bool_)
    return np.fromiter((v is None or v == "" for v in values.tolist()), np.bool_, len(values))


def log_sums(values: NDArray[np.float64]) -> tuple[int, float, float, int]:
    """Return for values other than 0: their number, sums of log |x| and its square; positives."""
    size = np.abs(values)
    size = size[size > 0]
    logs = np.log(size)
    # Not a dot product: BLAS would start threads for it.
    return len(logs), float(logs.sum()), float((logs * logs).sum()), int((values > 0).sum())


def _number(name: str, values: NDArray[np.float64]) -> FeatureProfile:
    nonzero, total, squares, positive = log_sums(values)
    mean = total / nonzero if nonzero else None
    spread = None
    if nonzero and mean is not None:
        spread = math.sqrt(max(0.0, squares / nonzero - mean * mean))
    return FeatureProfile(
        name,
        edges=tuple(map(float, _edges(values))),
        log_mean=mean,
        log_deviation=spread,
        positive_share=positive / len(values),
    )


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return inner edges: deciles, or one bin for each value when there are few values."""
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= _MAX_VALUES:
        return (distinct[1:] + distinct[:-1]) / 2
    edges = np.unique(np.quantile(values, _TENTHS))
    if len(edges) == len(_TENTHS):
        return edges
    # One value has more than a tenth of the rows: it gets a bin, the rest is cut on its own.
    rest = values[values != distinct[counts.argmax()]]
    return np.unique(np.concatenate([edges, np.quantile(rest, (0.25, 0.5, 0.75))]))


def _category(name: str, values: Sequence[str]) -> FeatureProfile:
    ordered = [str(value) for value, _ in Counter(values).most_common(_MAX_KNOWN + _MAX_VALUES)]
    return FeatureProfile(
        name, categories=tuple(ordered[:_MAX_VALUES]), rare=tuple(ordered[_MAX_VALUES:])
    )


def _dispersion(numbers: NDArray[np.intp], bins: int) -> float:
    size = len(numbers) // _BLOCKS
    if size < 10 * bins:
        return 1.0
    blocks = [
        np.bincount(numbers[start : start + size], minlength=bins)
        for start in range(0, size * _BLOCKS, size)
    ]
    return dispersion(blocks)
