"""`ingest --watch`: a project that follows a folder: what is added, changed, renamed or deleted there is so here."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import typer

from trimtab.cli.runtime.console import print_line
from trimtab.cli.runtime.errors import Refused
from trimtab.cli.runtime.session import Session
from trimtab.infra.folders import FolderFile, Listing, list_folder
from trimtab.kernel.errors import ErrorKind, TrimtabError

_BETWEEN_LOOKS_MS = 1000
_TEMPORARY = ("~", ".tmp", ".temp", ".swp", ".part", ".partial", ".crdownload", ".bak")

Stamp = tuple[int, int]
"""A file's time of change in nanoseconds, and its size."""


class Memory:
    """The names that were taken in from a folder, kept over restarts of the command."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def of(cls, folder: Path, project: str, service: str) -> "Memory":
        """Return the memory of one folder that is followed by one project of one service."""
        key = sha256(f"{folder.resolve()}\0{project}\0{service}".encode()).hexdigest()[:20]
        return cls(Path(typer.get_app_dir("trimtab")) / "watched" / f"{key}.json")

    def load(self) -> set[str]:
        """Return the names; none when there is nothing readable."""
        try:
            return set(map(str, json.loads(self._file.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            return set()

    def save(self, names: set[str]) -> None:
        """Keep the names: whole or not at all."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(sorted(names)), encoding="utf-8")
        fresh.replace(self._file)


@dataclass
class Mirror:
    """Brings a project into step with a folder, look by look.

    Attributes:
        folder: What is followed.
        suffixes: The endings of files that are taken in.
        take: Takes a file in under its name; raises `Refused` for one that cannot be.
        drop: Deletes a document by its name.
        memory: The names taken in before.
    """

    folder: Path
    suffixes: frozenset[str]
    take: Callable[[str, FolderFile], Mapping[str, Any]]
    drop: Callable[[str], None]
    memory: Memory
    _seen: dict[str, Stamp] = field(default_factory=dict)
    _missing: set[str] = field(default_factory=set)
    _taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._taken = self.memory.load()

    def look(self) -> list[dict[str, Any]]:
        """Bring the project into step; return what was done, one entry a file.

        A file that is gone is deleted at the second look that misses it: many editors save by replacing. What failed
        for lack of a service is tried again at the next look; a refused file when it changes.
        """
        there = self._files()
        done = [
            self._take(name, file)
            for name, file in there.items()
            if self._seen.get(name) != (file.changed_ns, file.size)
        ]
        gone = {*self._taken, *self._seen} - set(there)
        done += [self._drop(name) for name in sorted(gone & self._missing)]
        self._missing = gone - self._missing
        return done

    @property
    def waiting(self) -> bool:
        """Whether a file is missing that may come back."""
        return bool(self._missing)

    def _files(self) -> dict[str, FolderFile]:
        found = (
            file for file in self._listing().files if self._is_followed(PurePosixPath(file.name))
        )
        return {file.name: file for file in found}

    def _listing(self) -> Listing:
        try:
            return list_folder(self.folder)
        except OSError:  # The folder itself is away for a moment: all of its files are missing.
            return Listing((), ())

    def _is_followed(self, inside: PurePosixPath) -> bool:
        name = inside.name.lower()
        hidden = any(part.startswith((".", "#", "~$")) for part in inside.parts)
        return (
            not hidden and inside.suffix.lower() in self.suffixes and not name.endswith(_TEMPORARY)
        )

    def left_out(self) -> str:
        """Return what is not followed in the folder, in one line, or nothing."""
        return self._listing().summary()

    def _take(self, name: str, file: FolderFile) -> dict[str, Any]:
        stamp = (file.changed_ns, file.size)
        try:
            body = dict(self.take(name, file))
        except OSError as error:
            return {"name": name, "status": "unreadable", "message": str(error.strerror)}
        except TrimtabError as error:
            if not _again(error):
                self._seen[name] = stamp
            return {"name": name, "status": "refused", **error.as_dict()}
        self._seen[name] = stamp
        self._taken.add(name)
        self.memory.save(self._taken)
        return {"name": name, **body}

    def _drop(self, name: str) -> dict[str, Any]:
        try:
            self.drop(name)
        except TrimtabError as error:
            if _kind(error) is not ErrorKind.NOT_FOUND:
                return {"name": name, "status": "refused", **error.as_dict()}
        self._seen.pop(name, None)
        self._taken.discard(name)
        self.memory.save(self._taken)
        return {"name": name, "status": "deleted"}


def _kind(error: TrimtabError) -> ErrorKind:
    return error.service_kind if isinstance(error, Refused) else error.kind


def _again(error: TrimtabError) -> bool:
    """Return whether the same file may be taken later."""
    return _kind(error) in (
        ErrorKind.UNAVAILABLE,
        ErrorKind.STORAGE_FULL,
        ErrorKind.RATE_LIMITED,
        ErrorKind.CORRUPT,
    )


def follow(session: Session, mirror: Mirror) -> None:
    """Keep the project in step until Ctrl-C."""
    from watchfiles import watch

    if not session.json:
        print_line(f"Following {mirror.folder}; Ctrl-C ends it.", "dim")
        if left_out := mirror.left_out():
            print_line(left_out, "yellow")
    changes = watch(
        mirror.folder, watch_filter=None, rust_timeout=_BETWEEN_LOOKS_MS, yield_on_timeout=True
    )
    try:
        _tell(session, mirror.look())
        # The watch begins with the loop: its first round looks for what changed since the look before it.
        for number, changed in enumerate(changes):
            if changed or mirror.waiting or number == 0:
                _tell(session, mirror.look())
    except KeyboardInterrupt:
        # A file that was on its way is taken again at the next start, which costs nothing if it was stored.
        if not session.json:
            print_line("Stopped. What was acknowledged stays; the next start goes on from here.")


def _tell(session: Session, done: list[dict[str, Any]]) -> None:
    for entry in done:
        if session.json:
            sys.stdout.write(json.dumps(entry) + "\n")
        elif entry["status"] != "unchanged":
            reason = entry.get("message") or entry.get("reason") or ""
            print_line(f"{entry['status']:10} {entry['name']}  {reason}".rstrip())
    sys.stdout.flush()
