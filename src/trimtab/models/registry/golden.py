"""Reproduces the golden batch of a version in this process."""

import math
from collections.abc import Mapping
from typing import Any

from trimtab.models.errors import GoldenMismatch, InvalidRows
from trimtab.models.ports import Predictor
from trimtab.models.records import GoldenBatch, Manifest
from trimtab.models.rows import parse_rows


def check_golden(predictor: Predictor, manifest: Manifest, ref: str) -> float:
    """Check that the predictor gives the stored outputs; return the greatest difference.

    Raises:
        GoldenMismatch: An output differs by more than the tolerance, or the rows fail.
    """
    golden = manifest.golden
    try:
        found = predictor.predict(parse_rows(manifest.schema, golden.rows)).to_json()
    except InvalidRows as error:
        raise GoldenMismatch(
            f"The golden batch of {ref} does not fit its schema: {error}"
        ) from error
    # Whatever the model raises on its own golden batch, it must not serve.
    except Exception as error:
        raise GoldenMismatch(
            f"{ref} fails on its golden batch: {type(error).__name__}: {error}."
        ) from error
    if len(found) != len(golden.outputs):
        raise GoldenMismatch(f"{ref} gives {len(found)} outputs for {len(golden.outputs)} rows.")
    greatest = 0.0
    for at, (expected, actual) in enumerate(zip(golden.outputs, found, strict=True)):
        difference = _difference(expected, actual, golden)
        if difference is None or difference > 1.0:
            raise GoldenMismatch(
                f"{ref} does not reproduce its golden batch: row {at} gives {_short(actual)}, not"
                f" {_short(expected)}."
            )
        greatest = max(greatest, difference)
    return greatest * golden.tolerance


def _difference(expected: Any, actual: Any, golden: GoldenBatch) -> float | None:
    """Return the greatest difference in units of the tolerance; None if they differ in kind."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        same = expected.keys() == actual.keys()
        return _worst([(expected[key], actual[key]) for key in expected], golden) if same else None
    if isinstance(expected, list | tuple) and isinstance(actual, list | tuple):
        same = len(expected) == len(actual)
        return _worst(list(zip(expected, actual, strict=True)), golden) if same else None
    if _is_number(expected) and _is_number(actual):
        scale = max(1.0, abs(expected))
        return float(abs(expected - actual) / max(golden.tolerance * scale, 1e-300))
    # A confidence that the model does not give is NaN here and null in JSON.
    is_nan = isinstance(actual, float) and math.isnan(actual)
    return 0.0 if expected == actual or (expected is None and is_nan) else None


def _worst(pairs: list[tuple[Any, Any]], golden: GoldenBatch) -> float | None:
    found = [_difference(expected, actual, golden) for expected, actual in pairs]
    known = [difference for difference in found if difference is not None]
    return None if len(known) < len(found) else max(known, default=0.0)


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and not math.isnan(value)


def _short(output: Mapping[str, Any]) -> str:
    label = f"{output['label']!r}, " if "label" in output else ""
    return f"{label}{output.get('value')}"
