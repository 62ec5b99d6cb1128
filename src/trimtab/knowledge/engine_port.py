"""Interface of engines that search the vectors of projects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

EMBEDDED = "embedded"
"""The engine inside this process; it has no adapter here, see ``knowledge/index``."""


TIMEOUT_SECONDS = 10
"""A change, or a list of everything, may take this many times as long as a search."""


@dataclass(frozen=True, slots=True)
class Point:
    """A passage as an engine holds it."""

    key: int
    """The store's number of the passage."""
    stamp: str
    """Tells what it was made of: another text, model, tag or label gives another stamp."""
    vector: NDArray[np.float32]
    """Unit length, shape (dimension,), of values that a half float holds exactly."""
    tags: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Which passages a search may see; an engine leaves out all others before it ranks."""

    tags: tuple[str, ...] = ()
    """Only passages that have all of these."""
    labels: tuple[str, ...] | None = None
    """Of passages with labels only those that share one; None sees everything."""


EVERYTHING = SearchFilter()


class VectorEngine(Protocol):
    """A server of vectors. Safe for many threads.

    A space holds the vectors of one project and one dimension; calls never see another space. Every
    call raises `EngineUnavailable` when the server does not answer in time, answers with an error
    or with invalid data.
    """

    @property
    def name(self) -> str:
        """The engine's name in settings."""
        ...

    def ping(self) -> None:
        """Return when the server does its work."""
        ...

    def put(self, space: str, points: Sequence[Point]) -> None:
        """Store these points, replacing those with the same keys; creates a missing space."""
        ...

    def remove(self, space: str, keys: Sequence[int]) -> None:
        """Hold these keys no longer; those that are not there are left alone."""
        ...

    def stamps(self, space: str) -> dict[int, str]:
        """Return the stamp of every point; nothing when there is no such space."""
        ...

    def vectors(self, space: str, keys: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """Return the vectors of those keys that are there, as the server holds them."""
        ...

    def nearest(
        self, space: str, query: NDArray[np.float32], limit: int, seen: SearchFilter
    ) -> list[int]:
        """Return the keys of the nearest points that may be seen, best first, at most ``limit``."""
        ...

    def drop(self, space: str) -> None:
        """Remove the space with all that is in it; nothing happens when it is gone."""
        ...

    def close(self) -> None:
        """Release the connections. May be called twice."""
        ...
