"""Pairs new passages with older ones about the same: the nearest by their stored vectors."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from trimtab.knowledge.records import Labels
from trimtab.knowledge.store.recent_passages import PassageAge, RecentPassageStore
from trimtab.knowledge.store.search import StoredChunk
from trimtab.knowledge.wiring import Components

MIN_COSINE = 0.5
"""Below it two passages of the standard model are about different things."""
_OLDER = 5
"""Passages that a new one is compared with."""
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class DatedPassage:
    """A passage and when its document came in or changed."""

    text: str
    document_id: str
    document: str
    page: int | None
    heading: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PassagePair:
    """A new passage and an older one of another document."""

    new: DatedPassage
    old: DatedPassage


class Neighbours:
    """Finds the older passages next to new ones.

    Args:
        parts: The components of knowledge.
    """

    def __init__(self, parts: Components) -> None:
        self._parts = parts
        self._ages = RecentPassageStore(parts.stores.database)

    def version(self, project: str) -> int:
        """Return a number that changes with every change of the project's passages.

        Raises:
            ProjectUnknown: There is none of that name.
        """
        return self._parts.stores.search.project(project).row.index_version

    def pairs(
        self, project: str, since: datetime, limit: int, labels: Labels = None
    ) -> Iterator[PassagePair]:
        """Yield the pairs, those of the newest documents first.

        Args:
            project: Its name.
            since: Documents that came in or changed later are new.
            limit: Maximum number of new passages that are looked at.
            labels: Access labels of the caller; None sees all.

        Raises:
            ProjectUnknown: There is none of that name.
        """
        store = self._parts.stores.search
        row = store.project(project).row
        encoder = self._parts.encoders[row.embedder]
        if not encoder.dimension:
            return  # No model was ever loaded, so no passage has a vector that could be compared.
        new = self._ages.since(row.key, since, limit)
        visible = None if labels is None else set(store.allowed(row.key, (), labels).tolist())
        if visible is not None:
            new = [age for age in new if age.key in visible]
        if not new:
            return
        found = store.vectors(row.key, encoder.model_id, encoder.dimension)
        near = _nearest(new, found.keys, found.rows.astype(np.float32))
        ages = self._ages.of(row.key, sorted({key for keys in near.values() for key in keys}))
        chosen = {
            age.key: [
                ages[key]
                for key in near[age.key]
                if key in ages and _is_older(ages[key], age) and (visible is None or key in visible)
            ][:_OLDER]
            for age in new
            if age.key in near
        }
        keys = {key for key, older in chosen.items() if older}
        keys |= {age.key for older in chosen.values() for age in older}
        chunks = store.existing_chunks(row.key, sorted(keys))
        for age in new:
            for other in chosen.get(age.key, ()):
                if age.key in chunks and other.key in chunks:
                    yield PassagePair(
                        _dated(chunks[age.key], age), _dated(chunks[other.key], other)
                    )


def _dated(chunk: StoredChunk, age: PassageAge) -> DatedPassage:
    return DatedPassage(
        chunk.text, chunk.document_id, chunk.document_name, chunk.page, chunk.heading, age.at
    )


def _is_older(other: PassageAge, new: PassageAge) -> bool:
    """Return whether the other passage came in before; of the same moment, that of a lower key."""
    if other.document_key == new.document_key:
        return False
    return (other.at, other.document_key) < (new.at, new.document_key)


def _nearest(
    new: list[PassageAge], keys: NDArray[np.int64], rows: NDArray[np.float32]
) -> dict[int, list[int]]:
    """Return the keys of the passages near each new one, the nearest first."""
    row_of = {int(key): at for at, key in enumerate(keys)}
    there = [age.key for age in new if age.key in row_of]
    near: dict[int, list[int]] = {}
    for start in range(0, len(there), _BLOCK):
        block = there[start : start + _BLOCK]
        cosines = rows[[row_of[key] for key in block]] @ rows.T
        for key, line in zip(block, cosines, strict=True):
            best = np.argsort(-line)[: 4 * _OLDER]
            near[key] = [int(keys[at]) for at in best if line[at] >= MIN_COSINE]
    return near
