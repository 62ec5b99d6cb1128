"""The list of deletions, kept beside the database: what was deleted stays deleted when a backup comes back."""

import json
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from trimtab.knowledge.store.live import sync_folder


@dataclass(frozen=True, slots=True)
class Deletion:
    """A document that was deleted; no name, no text."""

    document_id: str
    at: datetime
    witness: str = ""
    """The id of one of its passages: found in a file's bytes, it betrays remains."""


class DeletionLog:
    """Appends before the database deletes, so that no crash can lose a deletion.

    A line that a crash cut short was never acknowledged and is ignored.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.Lock()

    def add(self, deletions: Iterable[Deletion]) -> None:
        """Note the deletions; they are on disk when this returns."""
        lines = [_line(deletion) for deletion in deletions]
        if not lines:
            return
        with self._lock, self.file.open("a+b") as stream:
            if stream.tell() and not self._ends_well(stream.tell()):
                stream.write(b"\n")
            stream.write(("\n".join(lines) + "\n").encode())
            stream.flush()
            os.fsync(stream.fileno())
        sync_folder(self.file.parent)

    def all(self) -> tuple[Deletion, ...]:
        """Return every deletion, oldest first."""
        try:
            lines = self.file.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ()
        return tuple(found for line in lines if (found := _parsed(line)) is not None)

    def forget_before(self, now: datetime, age: timedelta) -> int:
        """Drop deletions older than any backup can be; return how many were dropped."""
        with self._lock:
            every = self.all()
            kept = [found for found in every if now - found.at < age]
            if len(kept) < len(every):
                partial = self.file.with_name(f"{self.file.name}.partial")
                with partial.open("w", encoding="utf-8") as stream:
                    for found in kept:
                        stream.write(_line(found) + "\n")
                    stream.flush()
                    os.fsync(stream.fileno())
                partial.replace(self.file)
                sync_folder(self.file.parent)
            return len(every) - len(kept)

    def _ends_well(self, size: int) -> bool:
        with self.file.open("rb") as stream:
            stream.seek(size - 1)
            return stream.read(1) == b"\n"


def _line(deletion: Deletion) -> str:
    return json.dumps(
        {
            "document": deletion.document_id,
            "at": deletion.at.isoformat(),
            "witness": deletion.witness,
        }
    )


def _parsed(line: str) -> Deletion | None:
    try:
        entry = json.loads(line)
        at = datetime.fromisoformat(entry["at"])
        return Deletion(str(entry["document"]), at, str(entry.get("witness", "")))
    except (ValueError, KeyError, TypeError):
        return None
