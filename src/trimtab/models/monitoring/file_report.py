"""Drift report of a file against a reference profile, whole and by windows of rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trimtab.models.monitoring.drift import DriftVerdict, FeatureDrift, ModelDrift, judge_window
from trimtab.models.monitoring.errors import BadDataFile
from trimtab.models.monitoring.profile import ReferenceProfile
from trimtab.models.monitoring.tables import Block, fit_columns, numbers_of, read_blocks
from trimtab.models.monitoring.window import WindowState

FAMILY_LEVEL = 0.01
"""Probability of any false alarm in one report."""
_MAX_WINDOWS = 200


@dataclass(frozen=True, slots=True)
class WindowDrift:
    """Drift in one window of rows."""

    first_row: int
    rows: int
    drift: ModelDrift


@dataclass(frozen=True, slots=True)
class FileDrift:
    """Drift of a file: of all rows together, and of each window."""

    rows: int
    whole: ModelDrift
    windows: tuple[WindowDrift, ...]
    missing_columns: tuple[str, ...]
    """Features that the file does not have."""
    state_bytes: int
    """Size of the encoded counts of the whole file."""

    def drifted(self) -> list[str]:
        """Return the features that drifted in the file or in one of its windows."""
        found = [each.drift for each in self.windows]
        names = [f.feature for drift in (self.whole, *found) for f in drift.features if f.drifted]
        return sorted(set(names))

    def as_dict(self, model: str) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        drifted = self.drifted()
        scores = self.whole.scores
        return {
            "model": model,
            "rows": self.rows,
            "verdict": self.whole.verdict,
            "drift_score": _rounded(self.whole.score),
            "drifted_features": drifted,
            "missing_columns": list(self.missing_columns),
            "features": [
                {
                    **feature_facts(each),
                    "drifted": each.feature in drifted,
                    "first_drifted_row": self._first_row(each.feature),
                }
                for each in self.whole.features
            ],
            "scores": feature_facts(scores) if scores else None,
            "windows": [
                {
                    "first_row": each.first_row,
                    "rows": each.rows,
                    "verdict": each.drift.verdict,
                    "drift_score": _rounded(each.drift.score),
                    "psi": {f.feature: _rounded(f.psi) for f in each.drift.features},
                    "drifted": [f.feature for f in each.drift.features if f.drifted],
                }
                for each in self.windows
            ],
            "state_bytes": self.state_bytes,
        }

    def _first_row(self, feature: str) -> int | None:
        for window in self.windows:
            if any(f.feature == feature and f.drifted for f in window.drift.features):
                return window.first_row
        return None


def feature_facts(each: FeatureDrift) -> dict[str, Any]:
    """Return the facts about a feature as JSON-ready values."""
    return {
        "feature": each.feature,
        "verdict": each.verdict,
        "psi": _rounded(each.psi),
        "noise_floor": _rounded(each.noise_floor),
        "rows": each.rows,
        "null_rate": _rounded(each.null_rate),
        "unseen_rate": _rounded(each.unseen_rate),
        "unit_factor": each.unit_factor,
    }


def _rounded(value: float) -> float | None:
    return round(value, 5) if np.isfinite(value) else None


def report_file(
    path: Path, profile: ReferenceProfile, window_rows: int = 5000, score: str = ""
) -> FileDrift:
    """Return the drift of a file.

    Args:
        path: CSV or JSON lines, in the order in which the rows occurred.
        profile: The reference.
        window_rows: Rows of a window; 0 for no windows.
        score: Column of the model's scores; that of the reference when empty.

    Raises:
        BadDataFile: The file cannot be read or has none of the features.
    """
    return report_blocks(read_blocks(path), profile, window_rows, score)


def report_blocks(
    blocks: Iterator[Block], profile: ReferenceProfile, window_rows: int = 5000, score: str = ""
) -> FileDrift:
    """Return the drift of rows that come in blocks; see `report_file`."""
    whole, seen = WindowState.empty(profile), set[str]()
    windows: list[tuple[int, WindowState]] = []
    column = score or (profile.score.feature if profile.score else "")
    first = 0
    for block in _rebatched(blocks, window_rows):
        columns = fit_columns(block, profile)
        seen |= columns.keys()
        state = WindowState.empty(profile)
        state.add_features(profile, columns, _rows(block))
        state.rows = _rows(block)
        if column in block:
            scores = numbers_of(block[column])
            state.add_scores(profile, scores, scores >= 0.5)
        if window_rows and len(windows) < _MAX_WINDOWS:
            windows.append((first, state))
        first += _rows(block)
        whole.merge(state)
    if not first:
        raise BadDataFile("The file has no rows.")
    missing = tuple(f.feature for f in profile.features if f.feature not in seen)
    if len(missing) == len(profile.features):
        raise BadDataFile(
            "The file has none of the reference's features.",
            hint=f"It needs columns such as {', '.join(missing[:5])}.",
        )
    level = FAMILY_LEVEL / max(1, len(windows))
    judged = tuple(
        WindowDrift(row, state.rows, judge_window(profile, state, level)) for row, state in windows
    )
    return FileDrift(
        first, judge_window(profile, whole, FAMILY_LEVEL), judged, missing, len(whole.encode())
    )


def _rows(block: Block) -> int:
    return len(next(iter(block.values())))


def _rebatched(blocks: Iterator[Block], rows: int) -> Iterator[Block]:
    """Yield blocks of exactly that many rows; a last one of under half of it joins the one before.

    With 0 the blocks stay as they are.
    """
    if not rows:
        yield from blocks
        return
    held: dict[str, list[Any]] = {}
    count = 0
    for block in blocks:
        names = held or block
        held = {n: [*held.get(n, []), block[n]] for n in names if n in block}
        count += _rows(block)
        joined: Mapping[str, Any] = {name: np.concatenate(parts) for name, parts in held.items()}
        start = 0
        while count - start >= rows + rows // 2:
            yield {name: column[start : start + rows] for name, column in joined.items()}
            start += rows
        held = {name: [column[start:]] for name, column in joined.items()}
        count -= start
    if count:
        yield {name: np.concatenate(parts) for name, parts in held.items()}


__all__ = ["DriftVerdict", "FileDrift", "WindowDrift", "report_blocks", "report_file"]
