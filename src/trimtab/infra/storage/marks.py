"""Marks of what other processes may have changed, read together with a request's first query.

A mark is the one value of a table that a trigger replaces whenever the rows it stands for change.
A result cached with a mark is current while the database holds the same one. The look-up of a
request's key reads the marks too, so that a cache hit needs no query of its own.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from time import monotonic
from typing import Any

_VALID_SECONDS = 1.0
"""Long requests, and work that outlives its request, read the database again after this time."""


class _RequestMarks:
    """The marks that one request has read, and when."""

    def __init__(self) -> None:
        self.values: Mapping[str, str | None] = {}
        self.read_at = 0.0


_request: ContextVar[_RequestMarks | None] = ContextVar("trimtab_marks", default=None)


def begin_request() -> None:
    """Forget the marks of an earlier request in this context, and let this one note its own."""
    _request.set(_RequestMarks())


class ChangeMarks:
    """The marks in one database; several domains watch tables in it."""

    def __init__(self) -> None:
        self._watched: dict[str, str] = {}
        self.columns = ""
        """What a query adds to its columns, each with a comma before it."""

    def watch(self, name: str, table: str) -> None:
        """Read the mark in column ``mark`` of the only row of a table under that name.

        Args:
            name: Of the mark, a word.
            table: With its schema, in SQL.
        """
        self._watched[name] = f"(SELECT mark FROM {table})"  # noqa: S608 - no value of a user.
        self.columns = "".join(f", {query} AS mark_{name}" for name, query in self._watched.items())

    def query(self, name: str) -> str:
        """Return the query of one mark, for a transaction that reads what it stands for."""
        return f"SELECT {self._watched[name]}"

    def note(self, row: Any, began: float) -> None:
        """Keep for this request the marks in a row with `columns`.

        Args:
            row: The result of a query.
            began: ``monotonic()`` before the query.
        """
        if (request := _request.get()) is not None:
            request.values = {name: getattr(row, f"mark_{name}") for name in self._watched}
            request.read_at = began

    def current(self, name: str) -> str | None:
        """Return the mark that this request has read; None if it has not, or too long ago."""
        request = _request.get()
        if request is None or monotonic() - request.read_at > _VALID_SECONDS:
            return None
        return request.values.get(name)
