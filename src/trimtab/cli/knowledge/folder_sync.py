"""`ingest --watch`: synchronises a project with a folder."""

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
    """Names of the ingested files of a folder, stored for the next start."""

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
        """Save the names atomically."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(sorted(names)), encoding="utf-8")
        fresh.replace(self._file)


@dataclass
class Mirror:
    """Synchronises a project with a folder.

    Attributes:
        folder: The folder to follow.
        suffixes: Suffixes of the files to ingest.
        take: Ingests a file under its name, or raises `Refused`.
        drop: Deletes a document by its name.
        memory: The names ingested before.
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
        """Synchronise the project; return one entry per file.

        A missing file is deleted at the second look, because many editors save by replacing. A file
        that failed because of the service is retried at the next look, a refused one after a
        change.
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
        """True while a missing file is not deleted yet."""
        return bool(self._missing)

    def _files(self) -> dict[str, FolderFile]:
        found = (
            file for file in self._listing().files if self._is_followed(PurePosixPath(file.name))
        )
        return {file.name: file for file in found}

    def _listing(self) -> Listing:
        try:
            return list_folder(self.folder)
        except OSError:  # The folder is missing for a moment, so all its files are.
            return Listing((), ())

    def _is_followed(self, inside: PurePosixPath) -> bool:
        name = inside.name.lower()
        hidden = any(part.startswith((".", "#", "~$")) for part in inside.parts)
        return (
            not hidden and inside.suffix.lower() in self.suffixes and not name.endswith(_TEMPORARY)
        )

    def left_out(self) -> str:
        """Return a summary of the files that are not followed, or an empty text."""
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
    """Return whether the same file may be accepted later."""
    return _kind(error) in (
        ErrorKind.UNAVAILABLE,
        ErrorKind.STORAGE_FULL,
        ErrorKind.RATE_LIMITED,
        ErrorKind.CORRUPT,
    )


def follow(session: Session, mirror: Mirror) -> None:
    """Synchronise the project until Ctrl-C."""
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
        # The watch starts with the loop, so its first round finds changes since the look before it.
        for number, changed in enumerate(changes):
            if changed or mirror.waiting or number == 0:
                _tell(session, mirror.look())
    except KeyboardInterrupt:
        # A file that was being sent is sent again at the next start; if stored, it is unchanged.
        if not session.json:
            print_line(
                "Stopped. Acknowledged documents are kept; the next start continues from here."
            )


def _tell(session: Session, done: list[dict[str, Any]]) -> None:
    for entry in done:
        if session.json:
            sys.stdout.write(json.dumps(entry) + "\n")
        elif entry["status"] != "unchanged":
            reason = entry.get("message") or entry.get("reason") or ""
            print_line(f"{entry['status']:10} {entry['name']}  {reason}".rstrip())
    sys.stdout.flush()
