"""What a domain that keeps something about people registers for erasure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Erasable(Protocol):
    """One kind of thing kept about people. Both calls may be repeated after a crash."""

    @property
    def name(self) -> str:
        """``domain.things``; shown in the status and in the certificate."""
        ...

    def count(self, user_id: str, /) -> int:
        """Return how many of these things there are about the person."""
        ...

    def erase(self, user_id: str, /) -> object:
        """Delete them all; deleting nothing is no error. What it returns is not looked at."""
        ...


@dataclass(frozen=True, slots=True)
class ErasureStep:
    """An `Erasable` made of two functions, such as a store's."""

    name: str
    count: Callable[[str], int]
    erase: Callable[[str], object]
