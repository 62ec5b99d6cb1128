"""A list of dated entries next to the database, one line each."""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from trimtab.infra.storage import translate_errors
from trimtab.knowledge.store.database import write_durably


class Dated(Protocol):
    """Something with a date."""

    @property
    def at(self) -> datetime:
        """Time of the entry."""
        ...


Entry = TypeVar("Entry", bound=Dated)


class DatedList(Generic[Entry]):
    """Reads the list, and replaces it whole. Safe for many threads.

    Args:
        file: Where it is; missing when it is empty.
        parse: Returns the entry of a line, or None for a damaged line.
        line: Returns the line of an entry.
    """

    def __init__(
        self, file: Path, parse: Callable[[str], Entry | None], line: Callable[[Entry], str]
    ) -> None:
        self.file = file
        self._parse = parse
        self._line = line
        self._lock = threading.Lock()

    def all(self) -> tuple[Entry, ...]:
        """Return every entry, oldest first; damaged lines are left out."""
        return tuple(found for line in self._lines() if (found := self._parse(line)) is not None)

    def forget_before(self, oldest: datetime) -> int:
        """Drop the entries up to that date; return how many were dropped."""
        with self._lock:
            every = self.all()
            kept = [found for found in every if found.at > oldest]
            if len(kept) < len(every):
                self._write(kept)
            return len(every) - len(kept)

    def adopt(self, entries: Iterable[Entry], key: Callable[[Entry], object]) -> None:
        """Add the entries whose key no entry has."""
        with self._lock:
            every = self.all()
            known = {key(found) for found in every}
            if fresh := [entry for entry in entries if key(entry) not in known]:
                self._write(sorted([*every, *fresh], key=lambda found: found.at))

    def _lines(self) -> list[str]:
        try:
            text = self.file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        return [line for line in text.split("\n") if line]

    def _write(self, entries: Iterable[Entry]) -> None:
        with translate_errors(self.file):
            write_durably(self.file, "".join(f"{self._line(entry)}\n" for entry in entries))
