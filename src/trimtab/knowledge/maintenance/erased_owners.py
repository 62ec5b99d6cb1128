"""A list of erased people next to the database, applied again when a backup is restored.

It has no names: each entry is a salted hash, which only tells whether a given name was erased.
"""

import hashlib
import json
import os
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from trimtab.infra.storage import translate_errors
from trimtab.knowledge.store.reopenable import sync_folder

ERASED = "knowledge.erased"
"""The list's file name."""


@dataclass(frozen=True, slots=True)
class ErasedOwner:
    """A person whose data was erased; no name."""

    salt: str
    digest: str
    at: datetime

    def matches(self, owner: str) -> bool:
        """Return whether it is this person."""
        return self.digest == _digest(self.salt, owner)


class ErasedOwners:
    """Remembers whom an erasure was about, for as long as there may be a backup from before it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.Lock()

    def all(self) -> tuple[ErasedOwner, ...]:
        """Return every entry, oldest first; a damaged line is left out."""
        try:
            lines = self.file.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ()
        return tuple(found for line in lines if (found := _parsed(line)) is not None)

    def note(self, owner: str, at: datetime) -> None:
        """Record the person on disk; a repeated erasure updates the time of the entry."""
        with self._lock:
            salt = secrets.token_hex(16)
            kept = [found for found in self.all() if not found.matches(owner)]
            self._write([*kept, ErasedOwner(salt, _digest(salt, owner), at)])

    def forget_before(self, now: datetime, age: timedelta) -> None:
        """Drop the entries that are older than any backup can be."""
        with self._lock:
            every = self.all()
            kept = [found for found in every if now - found.at < age]
            if len(kept) < len(every):
                self._write(kept)

    def _write(self, entries: Iterable[ErasedOwner]) -> None:
        partial = self.file.with_name(f"{self.file.name}.partial")
        with translate_errors(self.file):
            try:
                with partial.open("w", encoding="utf-8") as stream:
                    for found in entries:
                        entry = {
                            "salt": found.salt,
                            "digest": found.digest,
                            "at": found.at.isoformat(),
                        }
                        stream.write(json.dumps(entry) + "\n")
                    stream.flush()
                    os.fsync(stream.fileno())
                partial.replace(self.file)
            finally:
                partial.unlink(missing_ok=True)
            sync_folder(self.file.parent)


def _digest(salt: str, owner: str) -> str:
    return hashlib.sha256(f"{salt}\0{owner}".encode()).hexdigest()


def _parsed(line: str) -> ErasedOwner | None:
    try:
        entry = json.loads(line)
        return ErasedOwner(entry["salt"], entry["digest"], datetime.fromisoformat(entry["at"]))
    except (ValueError, KeyError, TypeError):
        return None
