"""Ports through which domains register personal data for erasure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Erasable(Protocol):
    """One kind of personal data kept by a domain. Both calls may be repeated after a crash."""

    @property
    def name(self) -> str:
        """``domain.things``; shown in the status and in the certificate."""
        ...

    def count(self, user_id: str, /) -> int:
        """Return the number of items about the person."""
        ...

    def erase(self, user_id: str, /) -> object:
        """Delete all items; without any, do nothing. The result is ignored."""
        ...


@dataclass(frozen=True, slots=True)
class ErasureStep:
    """An `Erasable` made of two functions, such as a store's."""

    name: str
    count: Callable[[str], int]
    erase: Callable[[str], object]
