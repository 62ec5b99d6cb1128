"""Rows held out of a retraining, and what a candidate predicts for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trimtab.models.rows import Rows
from trimtab.models.trained.errors import TrainingDataInvalid
from trimtab.models.trained.measures import Labels

_MIN_HELD_OUT = 20
"""With fewer rows, no difference of F1 is beyond chance."""


@dataclass(frozen=True, slots=True)
class JudgedCandidate:
    """Predictions for the newest rows by a model that was fitted on the others.

    Attributes:
        rows: The rows held out, as the model takes them.
        classes: Names of the classes.
        labels: The true class of each row, as an index into `classes`.
        predicted: The class by the model.
        scored: The classes whose F1 decides: the positive one, or all of several.
    """

    rows: Rows
    classes: tuple[str, ...]
    labels: NDArray[np.intp]
    predicted: NDArray[np.intp]
    scored: tuple[int, ...]


def class_indices(labels: Labels, classes: Sequence[str]) -> NDArray[np.intp]:
    """Return each label as its place in the classes."""
    positions = {name: at for at, name in enumerate(classes)}
    return np.asarray([positions[str(label)] for label in labels], dtype=np.intp)


def newest_fifth(labels: Labels) -> NDArray[np.bool_]:
    """Return which rows are held out: the last fifth of each class, in the order of the file.

    A data pipeline appends, so these are the newest rows, and a version that was trained on an
    earlier file has seen few or none of them.

    Raises:
        TrainingDataInvalid: Too few rows would be held out, or there is only one class.
    """
    held_out = np.zeros(len(labels), dtype=np.bool_)
    for name in np.unique(labels):
        own = np.flatnonzero(labels == name)
        held_out[own[len(own) - len(own) // 5 :]] = True
    if held_out.sum() < _MIN_HELD_OUT or len(np.unique(labels)) < 2:
        raise TrainingDataInvalid(
            f"{len(labels)} rows of {len(np.unique(labels))} classes are too few to compare a"
            " candidate with what serves.",
            hint=f"Give at least {5 * _MIN_HELD_OUT} labelled rows with two classes or more.",
        )
    return held_out
