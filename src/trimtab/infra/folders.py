"""Lists and opens files below a folder without following links."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A skipped entry of a folder, with the reason."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A regular file below a folder, opened without following links."""

    folder: Path
    name: str
    """Its path inside the folder, with ``/`` between the parts."""
    size: int
    changed_ns: int

    def open(self, _mode: str = "rb") -> IO[bytes]:
        """Open the file for reading.

        Raises:
            OSError: The file is missing, unreadable or not a regular file any more, or a part of
            its path is a link now.
        """
        *folders, last = self.name.split("/")
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in folders:
                deeper = os.open(
                    part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle
                )
                os.close(handle)
                handle = deeper
            # Non-blocking: opening a named pipe in the file's place would wait for a writer.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            opened = os.open(last, flags, dir_fd=handle)
        finally:
            os.close(handle)
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            raise OSError(0, "it is not a regular file")
        return os.fdopen(opened, "rb")

    def read_text(self, encoding: str = "utf-8") -> str:
        """Return the file's text."""
        with self.open() as stream:
            return stream.read().decode(encoding)


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder, ordered by path, and the skipped entries."""

    files: tuple[FolderFile, ...]
    left_out: tuple[LeftOut, ...]

    def summary(self) -> str:
        """Return the skipped entries in one line, without hidden and unreadable ones."""
        listed = [
            entry
            for entry in self.left_out
            if entry.reason != HIDDEN and not entry.reason.startswith(UNREADABLE)
        ]
        names = ", ".join(f"{entry.name} ({entry.reason})" for entry in listed[:_SHOWN])
        more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
        return f"Left out: {names}{more}." if listed else ""

    @property
    def unreadable(self) -> tuple[LeftOut, ...]:
        """Return the files and folders that cannot be read."""
        return tuple(entry for entry in self.left_out if entry.reason.startswith(UNREADABLE))


HIDDEN = "hidden"
UNREADABLE = "cannot be read"
LINK = "a link, which is not followed"
NAME_NOT_UTF8 = "its name is not UTF-8, so rename it"
_SPECIAL = "not a regular file"


def list_folder(folder: Path) -> Listing:
    """List the regular files below a folder; skip hidden entries, links and special files.

    The folder itself may be a link, because the user has named it.

    Raises:
        OSError: The path is not a folder or cannot be read.
    """
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        entries = list(_walk(folder, top))
    finally:
        os.close(top)
    files = (entry for entry in entries if isinstance(entry, FolderFile))
    left_out = (entry for entry in entries if isinstance(entry, LeftOut))
    return Listing(
        tuple(sorted(files, key=lambda file: file.name.split("/"))),
        tuple(sorted(left_out, key=lambda entry: entry.name)),
    )


def is_text(name: str) -> bool:
    """Return whether a name from the file system is valid text, which can be sent and stored."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable_name(name: str) -> str:
    r"""Return a name from the file system with ``\xff`` for each byte that is not text."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _walk(folder: Path, top: int) -> Iterator[FolderFile | LeftOut]:
    failed: list[LeftOut] = []

    def note(error: OSError) -> None:
        name = printable_name(os.path.normpath(os.fsdecode(error.filename or "")))
        failed.append(LeftOut(name, f"{UNREADABLE}: {error.strerror}"))

    for base, folders, names, handle in os.fwalk(".", onerror=note, dir_fd=top):
        inside = os.path.normpath(base)
        prefix = "" if inside == os.curdir else f"{inside}/"
        skipped = set()
        for entry in _entries(folder, prefix, [*folders, *names], handle):
            skipped.add(entry.name.removeprefix(prefix))
            yield entry
        folders[:] = [name for name in folders if name not in skipped and is_text(name)]
    yield from failed


def _entries(
    folder: Path, prefix: str, names: list[str], handle: int
) -> Iterator[FolderFile | LeftOut]:
    for name in names:
        if name.startswith("."):
            yield LeftOut(printable_name(prefix + name), HIDDEN)
            continue
        if not is_text(name):
            yield LeftOut(printable_name(prefix + name), f"{UNREADABLE}: {NAME_NOT_UTF8}")
            continue
        try:
            state = os.stat(name, dir_fd=handle, follow_symlinks=False)
        except OSError as error:  # Gone since the folder was read.
            yield LeftOut(prefix + name, f"{UNREADABLE}: {error.strerror}")
            continue
        if stat.S_ISLNK(state.st_mode):
            yield LeftOut(prefix + name, LINK)
        elif stat.S_ISREG(state.st_mode):
            yield FolderFile(folder, prefix + name, state.st_size, state.st_mtime_ns)
        elif not stat.S_ISDIR(state.st_mode):
            yield LeftOut(prefix + name, _SPECIAL)
