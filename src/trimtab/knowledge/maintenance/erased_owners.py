"""A list of erased people next to the database, applied again when a backup is restored.

It has no names: each entry is a salted hash, which only tells whether a given name was erased.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from trimtab.knowledge.maintenance.dated_list import DatedList

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
        return self.digest == digest_of(self.salt, owner)


class Erased(Protocol):
    """The people whom a restored backup must not bring back."""

    def all(self) -> tuple[ErasedOwner, ...]:
        """Return every entry, oldest first."""
        ...

    def note(self, owner: str, at: datetime) -> None:
        """Record the person; a repeated erasure updates the time of the entry."""
        ...

    def forget_before(self, oldest: datetime) -> int:
        """Drop the entries up to that date; return how many were dropped."""
        ...


class ErasedOwners(DatedList[ErasedOwner]):
    """Remembers whom an erasure was about, for as long as there may be a backup from before it."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, _parsed, _line)

    def note(self, owner: str, at: datetime) -> None:
        """Record the person on disk; a repeated erasure updates the time of the entry."""
        with self._lock:
            salt = secrets.token_hex(16)
            kept = [found for found in self.all() if not found.matches(owner)]
            self._write([*kept, ErasedOwner(salt, digest_of(salt, owner), at)])


def digest_of(salt: str, owner: str) -> str:
    """Return the hash of a person with that salt."""
    return hashlib.sha256(f"{salt}\0{owner}".encode()).hexdigest()


def _line(entry: ErasedOwner) -> str:
    return json.dumps({"salt": entry.salt, "digest": entry.digest, "at": entry.at.isoformat()})


def _parsed(line: str) -> ErasedOwner | None:
    try:
        entry = json.loads(line)
        return ErasedOwner(entry["salt"], entry["digest"], datetime.fromisoformat(entry["at"]))
    except (ValueError, KeyError, TypeError):
        return None
