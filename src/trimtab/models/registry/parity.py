"""Compares a converted model with the version that it was converted from."""

import numpy as np

from trimtab.models.errors import BadManifest, ParityMismatch
from trimtab.models.ports import Predictor
from trimtab.models.records import ColumnKind, FeatureEdges, Flavour, Manifest, ModelVersion
from trimtab.models.rows import Floats, Outputs, Rows

TOLERANCE = 1e-4
"""Greatest difference of a probability, and greatest relative one of a number above 1: ONNX models
compute with single precision."""
_ROWS = 512
_SEED = 15
_BEYOND = 0.25
"""Share of the distance between the outer deciles by which rows lie outside of them."""


def check_parent(manifest: Manifest, parent: ModelVersion | None) -> ModelVersion:
    """Return the version that an ONNX model was converted from.

    Raises:
        BadManifest: There is none of the flavour skops, or it has other columns or classes.
    """
    if parent is None or parent.manifest.flavour is not Flavour.SKOPS:
        raise BadManifest(
            "An ONNX version needs as `parent` the scikit-learn version it was converted from.",
            hint=f"Register the .skops file first: trimtab models to-onnx {manifest.name} VERSION.",
        )
    mine, other = manifest, parent.manifest
    if mine.schema.names != other.schema.names or mine.classes != other.classes:
        raise BadManifest(f"The columns or classes differ from those of {parent.ref}.")
    return parent


def check_parity(converted: Predictor, original: Predictor, parent: ModelVersion) -> float:
    """Check that both predict the same for 512 drawn rows; return the greatest difference.

    The rows are drawn from the deciles of the parent's training data and a little beyond, because
    the golden batch alone has too few rows to reach every leaf of a tree.

    Raises:
        ParityMismatch: A prediction differs by more than the tolerance.
    """
    rows = draw_rows(parent.manifest)
    expected, found = original.predict(rows), converted.predict(rows)
    difference = np.abs(_numbers(expected) - _numbers(found))
    difference /= np.maximum(1.0, np.abs(_numbers(expected)))
    worst = difference.max(axis=1)
    if not worst.max() <= TOLERANCE:
        at = int(np.argmax(np.nan_to_num(worst, nan=np.inf)))
        raise ParityMismatch(
            f"The converted model differs from {parent.ref} in {int((worst > TOLERANCE).sum())} of"
            f" {len(rows)} rows, by {worst[at]:.2g} at most; {TOLERANCE:g} is allowed."
        )
    return float(worst.max())


def draw_rows(manifest: Manifest) -> Rows:
    """Return rows of numbers as the training data may have had them."""
    rng = np.random.default_rng(_SEED)
    edges = {each.feature: each for each in manifest.edges}
    values = np.empty((_ROWS, len(manifest.schema.columns)))
    for at, column in enumerate(manifest.schema.columns):
        drawn = rng.random(_ROWS)
        if column.kind is ColumnKind.BOOLEAN:
            values[:, at] = drawn < 0.5
        else:
            values[:, at] = _spread(drawn, edges.get(column.name))
    return Rows(manifest.schema.names, values)


def _spread(drawn: Floats, edges: FeatureEdges | None) -> Floats:
    """Return numbers in [0, 1) as values between the deciles of a feature."""
    if edges is None or not edges.deciles:
        return drawn
    inner = np.asarray(edges.deciles)
    beyond = _BEYOND * (inner[-1] - inner[0]) or max(1.0, abs(inner[0]))
    points = np.concatenate([[inner[0] - beyond], inner, [inner[-1] + beyond]])
    found: Floats = np.interp(drawn, np.linspace(0, 1, len(points)), points)
    return found


def _numbers(outputs: Outputs) -> Floats:
    """Return what is compared, shape (rows, numbers)."""
    shares = outputs.probabilities
    return outputs.values[:, None] if shares is None else shares
