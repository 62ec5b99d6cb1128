"""Corrections of inputs that a vendor has changed, applied before they are judged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from trimtab.models.monitoring.profile import Values


class CorrectionKind(StrEnum):
    """Kind of a correction: a factor, or a value for missing ones."""

    SCALE = "scale"
    """Values are multiplied, which takes back a change of unit."""
    FILL = "fill"
    """Missing values are replaced by one value."""


@dataclass(frozen=True, slots=True)
class InputCorrection:
    """Correction of one feature of a model."""

    model: str
    feature: str
    kind: CorrectionKind
    value: float

    def apply(self, values: Values) -> Values:
        """Return the corrected column; texts are left as they are."""
        if values.dtype.kind not in "fiub":
            return values
        if self.kind is CorrectionKind.SCALE:
            return values * self.value
        return np.where(np.isfinite(values), values, self.value)


def corrected(
    columns: Mapping[str, Values], corrections: Iterable[InputCorrection]
) -> dict[str, Values]:
    """Return the columns with the corrections applied."""
    found = dict(columns)
    for each in corrections:
        if each.feature in found:
            found[each.feature] = each.apply(found[each.feature])
    return found
