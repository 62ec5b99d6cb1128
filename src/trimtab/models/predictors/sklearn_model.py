"""Predicts with a scikit-learn estimator on checked rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.models.errors import ArtifactRefused, BadManifest
from trimtab.models.predictors.fast_paths import fast_probabilities
from trimtab.models.records import ColumnKind, Manifest
from trimtab.models.rows import Floats, Outputs, Rows


class SklearnPredictor:
    """A classifier with probabilities, or a regressor.

    Args:
        estimator: Fitted.
        manifest: Names columns and classes.
        exact: Whether scikit-learn computes everything, such as for a golden batch.

    Raises:
        BadManifest: The estimator cannot predict, or expects other columns or classes.
    """

    def __init__(self, estimator: Any, manifest: Manifest, *, exact: bool = False) -> None:
        self.estimator = estimator
        self._classes = manifest.classes
        self._single_text = [c.kind for c in manifest.schema.columns] == [ColumnKind.TEXT]
        check_trees(estimator)
        _check_columns(estimator, manifest.schema.names)
        found = class_labels(estimator)
        if found != self._classes:
            raise BadManifest(
                f"The estimator has the classes {', '.join(found) or 'of no classifier'}, and the"
                f" manifest {', '.join(self._classes) or 'none'}."
            )
        self._positive = _position(self._classes, manifest.positive)
        self._fast = fast_probabilities(estimator) if self._classes and not exact else None
        # Columns are checked by name before; scikit-learn would warn at every call about arrays.
        for part in _parts(estimator):
            if hasattr(part, "feature_names_in_"):
                del part.feature_names_in_

    def predict(self, rows: Rows) -> Outputs:
        """Return one output for each row."""
        from sklearn import config_context

        values = rows.values
        # scikit-learn decides what a missing number means.
        if self._fast is not None and values is not None and np.isfinite(values).all():
            return class_outputs(self._fast(values), self._classes, self._positive)
        inputs = self._inputs(rows)
        with config_context(skip_parameter_validation=True):
            if not self._classes:
                values = np.asarray(self.estimator.predict(inputs), dtype=np.float64).reshape(-1)
                return Outputs(values, np.full(len(values), np.nan))
            shares: Floats = np.asarray(self.estimator.predict_proba(inputs), dtype=np.float64)
        return class_outputs(shares, self._classes, self._positive)

    def _inputs(self, rows: Rows) -> Any:
        if rows.values is not None:
            return rows.values
        if self._single_text:
            return rows.columns[rows.names[0]]
        # Arrays of objects select columns by position in a `ColumnTransformer`; no pandas needed.
        table: NDArray[np.object_] = np.empty((len(rows), len(rows.names)), dtype=object)
        for at, name in enumerate(rows.names):
            table[:, at] = [np.nan if value is None else value for value in rows.columns[name]]
        return table


def class_outputs(shares: Floats, classes: tuple[str, ...], positive: int | None) -> Outputs:
    """Return the outputs of class probabilities, shape (rows, classes)."""
    labels = shares.argmax(axis=1)
    confidence = shares[np.arange(len(shares)), labels]
    values = confidence if positive is None else shares[:, positive]
    return Outputs(values, confidence, classes, labels, shares)


def class_labels(estimator: Any) -> tuple[str, ...]:
    """Return the labels of a classifier as texts; none for a regressor.

    Raises:
        BadManifest: It is neither, or a classifier without probabilities.
    """
    if not hasattr(estimator, "predict"):
        raise BadManifest(
            f"{type(estimator).__name__} cannot predict.", hint="Register a fitted estimator."
        )
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return ()
    if isinstance(classes, list) or not hasattr(estimator, "predict_proba"):
        raise BadManifest(
            f"{type(estimator).__name__} gives no probabilities of one set of classes.",
            hint="Wrap it in sklearn.calibration.CalibratedClassifierCV, and fit that.",
        )
    return tuple(str(label) for label in np.asarray(classes).tolist())


def check_trees(estimator: Any) -> None:
    """Check the indices in every tree, which scikit-learn follows without looking.

    Raises:
        ArtifactRefused: A child does not come after its parent, or a column does not exist: the
            file was crafted or damaged, and a prediction could end the process or never end.
    """
    for part in _parts(estimator):
        tree = getattr(part, "tree_", None)
        if tree is None or not hasattr(tree, "children_left"):
            continue
        left, right = np.asarray(tree.children_left), np.asarray(tree.children_right)
        own, inner = np.arange(tree.node_count), left != -1
        is_sound = (
            ((right != -1) == inner).all()
            and (left[inner] > own[inner]).all()
            and (right[inner] > own[inner]).all()
            and (left < tree.node_count).all()
            and (right < tree.node_count).all()
            and (tree.feature[inner] >= 0).all()
            and (tree.feature < tree.n_features).all()
            and tree.n_features == getattr(part, "n_features_in_", tree.n_features)
            and len(tree.value) == tree.node_count
        )
        if not is_sound:
            raise ArtifactRefused("A decision tree of the model has indices that lead nowhere.")


def _position(classes: tuple[str, ...], positive: str) -> int | None:
    return classes.index(positive) if positive in classes else None


def _check_columns(estimator: Any, names: tuple[str, ...]) -> None:
    expected = getattr(estimator, "feature_names_in_", None)
    if expected is not None and tuple(expected) != names:
        raise BadManifest(
            "The columns of the schema are not those that the estimator was trained with, in that"
            " order.",
            hint=f"It was trained with: {', '.join(map(str, expected[:30]))}.",
        )
    count = getattr(estimator, "n_features_in_", None)
    if count is not None and count != len(names):
        raise BadManifest(
            f"The estimator was trained with {count} columns; the schema has {len(names)}.",
            hint="Give the columns that it was trained with; `trimtab models register --label NAME`"
            " leaves out the one that is predicted.",
        )


def _parts(estimator: Any) -> Iterator[Any]:
    """Yield the estimator and all estimators in it."""
    from sklearn.base import BaseEstimator

    seen: set[int] = set()
    waiting = [estimator]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list | tuple):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, np.ndarray) and part.dtype == object:
            waiting.extend(part.ravel())
        elif isinstance(part, BaseEstimator) and id(part) not in seen:
            seen.add(id(part))
            yield part
            waiting.extend(vars(part).values())
