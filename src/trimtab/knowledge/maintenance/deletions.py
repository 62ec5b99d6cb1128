"""A list of deletions next to the database, applied again when a backup is restored."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from trimtab.infra.storage import translate_errors
from trimtab.knowledge.maintenance.dated_list import DatedList
from trimtab.knowledge.store.database import seal, sync_folder

_MOMENT = timedelta(minutes=1)
_FIELDS = ("document", "at", "witness")


@dataclass(frozen=True, slots=True)
class Deletion:
    """A document that was deleted; no name, no text."""

    document_id: str
    at: datetime
    witness: str = ""
    """The id of one of its passages: found in a file's bytes, it betrays remains."""


class Deletions(Protocol):
    """The deletions that a restored backup must not take back."""

    def all(self) -> tuple[Deletion, ...]:
        """Return every deletion, oldest first."""
        ...

    def record(self, deletions: Iterable[Deletion]) -> AbstractContextManager[None]:
        """Return a context in which these deletions are carried out, or not recorded."""
        ...

    def forget_before(self, oldest: datetime) -> int:
        """Drop the entries up to that date; return how many were dropped."""
        ...


class DeletionLog(DatedList[Deletion]):
    """Appends before the database deletes, so that no crash can lose a deletion.

    Every line has a checksum. A line that a crash cut short was never acknowledged and is ignored.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(file, _parsed, _line)

    @contextmanager
    def record(self, deletions: Iterable[Deletion]) -> Iterator[None]:
        """Record the deletions on disk before they are carried out; remove them if that fails.

        A crash in between leaves a record of an unfinished deletion; the next start completes it.
        """
        lines = [_line(deletion) for deletion in deletions]
        if not lines:
            yield
            return
        text = "\n".join(lines) + "\n"
        with self._lock, translate_errors(self.file), self.file.open("a+b", buffering=0) as stream:
            size = stream.tell()
            try:
                stream.write((text if self._ends_well(size) else f"\n{text}").encode())
                os.fsync(stream.fileno())
                sync_folder(self.file.parent)
                yield
            except BaseException:
                # What was refused must not be carried out by the next start.
                stream.truncate(size)
                os.fsync(stream.fileno())
                raise

    def mend(self, known: Iterable[Deletion]) -> int:
        """Rewrite the list without damaged lines, completed from ``known``; count the damaged.

        Args:
            known: The deletions that the database remembers; used only when a line is damaged.
        """
        damaged = sum(_parsed(line) is None for line in self._lines())
        if damaged:
            with self._lock:
                good = self.all()
                more = [found for found in known if not _listed(found, good)]
                self._write(sorted([*good, *more], key=lambda found: found.at))
        return damaged

    def _ends_well(self, size: int) -> bool:
        if not size:
            return True
        with self.file.open("rb") as stream:
            stream.seek(size - 1)
            return stream.read(1) == b"\n"


def _listed(deletion: Deletion, listed: Iterable[Deletion]) -> bool:
    """Return whether the list has the deletion, there dated a moment earlier."""
    return any(
        found.document_id == deletion.document_id and deletion.at - found.at < _MOMENT
        for found in listed
    )


def _line(deletion: Deletion) -> str:
    values = (deletion.document_id, deletion.at.isoformat(), deletion.witness)
    return json.dumps({**dict(zip(_FIELDS, values, strict=True)), "seal": seal(*values)})


def _parsed(line: str) -> Deletion | None:
    try:
        entry = json.loads(line)
        values = [entry[name] for name in _FIELDS]
        # Releases before the checksums wrote exactly the fields.
        if set(entry) != {*_FIELDS} and entry["seal"] != seal(*values):
            return None
        return Deletion(values[0], datetime.fromisoformat(values[1]), values[2])
    except (ValueError, KeyError, TypeError):
        return None
