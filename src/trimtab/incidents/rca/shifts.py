"""Statistical methods: how far each metric has moved from its normal values.

Each method returns one number for each column, comparable between columns. The scale of a column is
its spread in the normal window, at least 1 % of its median, so that a metric that hardly ever
changes is not infinitely surprising.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from trimtab.incidents.rca.frame import Array

_MIN_SPREAD = 0.01


def peak_shift(normal: Array, abnormal: Array) -> Array:
    """Return the largest distance from the median, in interquartile ranges.

    The robust scorer of BARO (Pham et al., FSE 2024).
    """
    return _max(np.abs(abnormal - _median(normal)) / _spread(normal))


def sustained_shift(normal: Array, abnormal: Array) -> Array:
    """Return the distance of the medians, in interquartile ranges: one outlier moves nothing."""
    return _floats(np.abs(_median(abnormal) - _median(normal)) / _spread(normal))


def mean_shift(normal: Array, abnormal: Array) -> Array:
    """Return the distance of the means, in standard deviations of the normal window."""
    with _quiet():
        deviation = np.nanstd(normal, axis=0)
        distance = np.abs(np.nanmean(abnormal, axis=0) - np.nanmean(normal, axis=0))
    return _floats(distance / np.maximum(deviation, _floor(normal)))


METHODS: Mapping[str, Callable[[Array, Array], Array]] = {
    "peak_shift": peak_shift,
    "sustained_shift": sustained_shift,
    "mean_shift": mean_shift,
}


def ensemble(normal: Array, abnormal: Array) -> Array:
    """Return the mean of the columns' places by all methods, in (0, 1]; 1 is the most shifted."""
    ranks = [_rank_fractions(method(normal, abnormal)) for method in METHODS.values()]
    return _floats(np.mean(ranks, axis=0))


def _rank_fractions(scores: Array) -> Array:
    order = np.argsort(np.argsort(scores, kind="stable"), kind="stable")
    return _floats((order + 1) / len(scores))


def _median(values: Array) -> Array:
    with _quiet():
        return _floats(np.nanmedian(values, axis=0))


def _spread(normal: Array) -> Array:
    with _quiet():
        low, high = np.nanpercentile(normal, [25, 75], axis=0)
        deviation = np.nanstd(normal, axis=0)
    spread = np.where(high > low, high - low, deviation)
    return _floats(np.maximum(np.nan_to_num(spread), _floor(normal)))


def _floor(normal: Array) -> Array:
    return _floats(_MIN_SPREAD * np.abs(_median(normal)) + 1e-9)


def _max(values: Array) -> Array:
    with _quiet():
        return _floats(np.nanmax(values, axis=0))


@contextmanager
def _quiet() -> Iterator[None]:
    """Ignore numpy's warnings about columns without any value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _floats(values: Any) -> Array:
    return np.asarray(np.nan_to_num(values), dtype=np.float64)
