"""Checks a manifest before anything is stored."""

import math
import re

from trimtab.models.errors import BadManifest, BadModelName
from trimtab.models.records import Flavour, InputSchema, Manifest

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RESERVED = frozenset({"requests"})
_MAX_COLUMNS = 10_000
_MAX_GOLDEN = 1000
_MAX_BYTES = 16 * 1024 * 1024


def check_name(name: str) -> None:
    """Raise `BadModelName` when the name has other characters than allowed."""
    if not _NAME.fullmatch(name):
        raise BadModelName(f"Invalid model name {name[:80]!r}.")
    if name in _RESERVED:
        raise BadModelName(f"The name {name!r} is part of an address of the interface.")


def check_manifest(manifest: Manifest, max_rows: int) -> None:
    """Check what the types alone cannot say.

    Raises:
        BadModelName, BadManifest: The first problem that is found.
    """
    check_name(manifest.name)
    _check_schema(manifest.schema)
    golden = manifest.golden
    if not golden.rows or len(golden.rows) != len(golden.outputs):
        raise BadManifest(
            f"The golden batch has {len(golden.rows)} rows and {len(golden.outputs)} outputs.",
            hint="Give at least one row, and one output for each row.",
        )
    if len(golden.rows) > min(_MAX_GOLDEN, max_rows):
        raise BadManifest(f"The golden batch has more than {_MAX_GOLDEN} rows.")
    if not 0 <= golden.tolerance <= 0.1:
        raise BadManifest("The tolerance of the golden batch is not in 0 to 0.1.")
    _check_classes(manifest)
    if (manifest.flavour is Flavour.TRIMTAB) != bool(manifest.predictor):
        raise BadManifest("A model of the flavour trimtab names its predictor, and no other does.")
    if len(manifest.canonical) > _MAX_BYTES:
        raise BadManifest("The manifest is larger than 16 MB.")


def _check_schema(schema: InputSchema) -> None:
    names = schema.names
    if not 0 < len(names) <= _MAX_COLUMNS:
        raise BadManifest(f"The schema has {len(names)} columns, not 1 to {_MAX_COLUMNS}.")
    if len(set(names)) < len(names) or not all(names):
        raise BadManifest("The schema has two columns of one name, or one without a name.")
    for column in schema.columns:
        low = -math.inf if column.minimum is None else column.minimum
        high = math.inf if column.maximum is None else column.maximum
        if low > high:
            raise BadManifest(f"Column {column.name!r} has a minimum above its maximum.")


def _check_classes(manifest: Manifest) -> None:
    if len(set(manifest.classes)) < len(manifest.classes):
        raise BadManifest("Two classes have the same label.")
    if manifest.positive and manifest.positive not in manifest.classes:
        raise BadManifest(f"The positive class {manifest.positive!r} is not among the classes.")
    _check_baseline(manifest)
    if unknown := {entry.feature for entry in manifest.edges} - set(manifest.schema.names):
        raise BadManifest(f"The edges name {sorted(unknown)[0]!r}, which is not a column.")


def _check_baseline(manifest: Manifest) -> None:
    if manifest.baseline is None:
        return
    labels = set(manifest.classes)
    if set(manifest.baseline.probabilities) != labels:
        raise BadManifest("The baseline gives probabilities of other classes than the model has.")
    for rule in manifest.baseline.rules:
        if rule.column not in manifest.schema.names:
            raise BadManifest(
                f"A rule of the baseline names {rule.column!r}, which is not a column."
            )
        if labels and rule.label not in labels:
            raise BadManifest(f"A rule of the baseline gives {rule.label!r}, which is not a class.")
