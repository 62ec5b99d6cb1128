"""Reference distributions of features: pinned bins, shares and the noise of a sample."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from trimtab.models.records import ColumnKind, FeatureEdges, InputColumn
from trimtab.models.rows import Rows

_DECILES = np.arange(1, 10) / 10
_MAX_CATEGORIES = 200
_CONFIDENCE = 0.99


def edges_of_rows(columns: Iterable[InputColumn], rows: Rows) -> tuple[FeatureEdges, ...]:
    """Return the reference distribution of each column but free texts."""
    return tuple(
        edges_of_categories(column.name, list(rows.column(column.name)))
        if column.kind is ColumnKind.CATEGORY
        else edges_of_numbers(column.name, np.asarray(rows.column(column.name), dtype=np.float64))
        for column in columns
        if column.kind is not ColumnKind.TEXT
    )


def edges_of_numbers(feature: str, values: NDArray[np.float64]) -> FeatureEdges:
    """Return decile edges of the values that are not NaN, and the share of each bin.

    A value that equals an edge belongs to the bin above it.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return FeatureEdges(feature, null_rate=1.0 if len(values) else 0.0)
    deciles = np.unique(np.quantile(known, _DECILES))
    counts = np.bincount(np.searchsorted(deciles, known, side="right"), minlength=len(deciles) + 1)
    logs = np.log(np.abs(known[known != 0]))
    return FeatureEdges(
        feature,
        deciles=tuple(deciles.tolist()),
        shares=tuple((counts / len(known)).tolist()),
        null_rate=1.0 - len(known) / len(values),
        reference_rows=len(values),
        noise_floor=noise_floor(len(deciles) + 1, len(known), len(known)),
        log_mean=float(logs.mean()) if len(logs) else None,
        log_deviation=float(logs.std()) if len(logs) else None,
        positive_share=float((known > 0).mean()),
    )


def edges_of_categories(feature: str, values: Sequence[str | None]) -> FeatureEdges:
    """Return the share of each category; of more than 200, those of the most frequent."""
    known = [value for value in values if value is not None]
    counts = Counter(known).most_common(_MAX_CATEGORIES)
    total = max(1, len(known))
    return FeatureEdges(
        feature,
        categories={name: count / total for name, count in counts},
        null_rate=1.0 - len(known) / len(values) if values else 0.0,
        reference_rows=len(values),
        noise_floor=noise_floor(max(2, len(counts)), total, total),
    )


def noise_floor(bins: int, reference: int, sample: int) -> float:
    """Return the PSI that equal distributions exceed in 1 of 100 pairs of samples.

    Times ``nm / (n + m)``, the PSI of two samples of one distribution is about chi-square with
    ``bins - 1`` degrees of freedom (Yurdakul and Naranjo, 2020, doi:10.21314/JRMV.2020.227); the
    quantile is that of Wilson and Hilferty, right to 1 % from 1 degree on.
    """
    if bins < 2 or reference < 1 or sample < 1:
        return 0.0
    freedom = bins - 1
    spread = 2 / (9 * freedom)
    root = 1 - spread + NormalDist().inv_cdf(_CONFIDENCE) * math.sqrt(spread)
    return freedom * root**3 * (1 / reference + 1 / sample)
