"""``histogram_quantile`` of classic histograms (``promql/quantile.go`` of 2.42)."""

import math
from bisect import bisect_left
from dataclasses import dataclass

from trimtab.monitoring.labels import METRIC_NAME, Labels, drop, value_of
from trimtab.monitoring.promql.values import Element, Vector

_BUCKET_LABELS = frozenset({"le", METRIC_NAME})


@dataclass(frozen=True, slots=True)
class _Bucket:
    upper: float
    count: float


def histogram_quantile(q: float, vector: Vector) -> Vector:
    """Return the q-quantile of each histogram, a group of ``le`` buckets."""
    histograms: dict[Labels, list[_Bucket]] = {}
    for element in vector:
        upper = _upper_bound(value_of(element.labels, "le"))
        if upper is not None:
            group = histograms.setdefault(drop(element.labels, _BUCKET_LABELS), [])
            group.append(_Bucket(upper, element.value))
    return [Element(labels, _quantile(q, buckets)) for labels, buckets in histograms.items()]


def _upper_bound(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _quantile(q: float, given: list[_Bucket]) -> float:
    if math.isnan(q):
        return math.nan
    if q < 0 or q > 1:
        return math.copysign(math.inf, q)
    buckets = _cumulative(given)
    if buckets[-1].upper != math.inf or len(buckets) < 2:
        return math.nan
    observations = buckets[-1].count
    if observations == 0:
        return math.nan
    return _interpolated(q * observations, buckets)


def _cumulative(given: list[_Bucket]) -> list[_Bucket]:
    """Return the buckets in order, equal bounds added up and counts made to grow.

    A scrape in the middle of an update, or a rate over buckets that came later than others, can
    make counts shrink.
    """
    counts: dict[float, float] = {}
    for bucket in sorted(given, key=lambda bucket: bucket.upper):
        counts[bucket.upper] = counts.get(bucket.upper, 0.0) + bucket.count
    grown: list[_Bucket] = []
    for upper, count in counts.items():
        highest = grown[-1].count if grown else count
        grown.append(_Bucket(upper, highest if count < highest else count))
    return grown


def _interpolated(rank: float, buckets: list[_Bucket]) -> float:
    index = bisect_left(buckets, rank, hi=len(buckets) - 1, key=lambda bucket: bucket.count)
    if index == len(buckets) - 1:
        return buckets[-2].upper
    bucket = buckets[index]
    if index == 0:
        if bucket.upper <= 0:
            return bucket.upper
        below = _Bucket(0.0, 0.0)
    else:
        below = buckets[index - 1]
    share = _divided(rank - below.count, bucket.count - below.count)
    return below.upper + (bucket.upper - below.upper) * share


def _divided(part: float, whole: float) -> float:
    # `whole` is zero only for q = 0 and an empty first bucket; Go's 0/0 is NaN.
    return part / whole if whole else math.nan
