"""Personal data that a domain keeps, as steps of an erasure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Erasable(Protocol):
    """One kind of data kept about people. Both calls may be repeated after a crash."""

    @property
    def name(self) -> str:
        """``domain.things``; shown in the status and in the certificate."""
        ...

    def count(self, user_id: str, /) -> int:
        """Return the number of records about the person."""
        ...

    def erase(self, user_id: str, /) -> object:
        """Delete all of them; deleting nothing is not an error. The result is ignored."""
        ...


@dataclass(frozen=True, slots=True)
class ErasureStep:
    """Personal data given as two functions, such as those of a store."""

    name: str
    count: Callable[[str], int]
    erase: Callable[[str], object]
