"""Pages of a long list."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

PageNumber = Annotated[int, Query(alias="page", ge=1, le=100_000)]


@dataclass(frozen=True, slots=True)
class Pages:
    """Which page of a list is shown."""

    number: int
    """Counted from 1."""
    size: int
    total: int
    """Number of entries on all pages."""

    @property
    def count(self) -> int:
        """Return the number of pages, at least 1."""
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        """Return the number of the first entry shown; 0 when there is none."""
        return min((self.number - 1) * self.size + 1, self.total)

    @property
    def last(self) -> int:
        """Return the number of the last entry shown."""
        return min(self.number * self.size, self.total)
