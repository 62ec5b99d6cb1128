"""Measures found statements against labelled ones: F1 by span, by value, by metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Labelled = Mapping[str, Any]
"""A statement as a JSON object."""

LEVELS = ("span", "value_unit", "metric_nature")
_OVERLAP = 0.5
_TOLERANCE = 0.005


@dataclass(slots=True)
class StatementCounts:
    """Statements that match, that were labelled and that were found, by level."""

    matched: list[int]
    labelled: int = 0
    found: int = 0

    def f1(self, level: int) -> float:
        """Return the F1 of a level; 0 without statements."""
        total = self.labelled + self.found
        return 2 * self.matched[level] / total if total else 0.0


def count_matches(labelled: Sequence[Labelled], found: Sequence[Labelled]) -> StatementCounts:
    """Return how many statements of one sentence match, one to one, at each level."""
    return StatementCounts(
        [_matching(labelled, found, level) for level in range(len(LEVELS))],
        len(labelled),
        len(found),
    )


def add_counts(parts: Sequence[StatementCounts]) -> StatementCounts:
    """Return the sums over all sentences."""
    return StatementCounts(
        [sum(part.matched[level] for part in parts) for level in range(len(LEVELS))],
        sum(part.labelled for part in parts),
        sum(part.found for part in parts),
    )


def _matching(labelled: Sequence[Labelled], found: Sequence[Labelled], level: int) -> int:
    """Return the size of a maximum matching, by augmenting paths."""
    owner: dict[int, int] = {}

    def assign(at: int, seen: set[int]) -> bool:
        for candidate in range(len(found)):
            if candidate in seen or not _equal(labelled[at], found[candidate], level):
                continue
            seen.add(candidate)
            if candidate not in owner or assign(owner[candidate], seen):
                owner[candidate] = at
                return True
        return False

    return sum(assign(at, set()) for at in range(len(labelled)))


def _equal(item: Labelled, other: Labelled, level: int) -> bool:
    if _jaccard(item, other) < _OVERLAP:
        return False
    if level >= 1:
        near = max(1e-9, _TOLERANCE * abs(item["amount"]))
        if abs(item["amount"] - other["amount"]) > near or item["unit"] != other["unit"]:
            return False
    return level < 2 or (item["metric"], item["nature"]) == (other["metric"], other["nature"])


def _jaccard(item: Labelled, other: Labelled) -> float:
    shared = min(item["end"], other["end"]) - max(item["start"], other["start"])
    whole = max(item["end"], other["end"]) - min(item["start"], other["start"])
    return shared / whole if shared > 0 else 0.0
