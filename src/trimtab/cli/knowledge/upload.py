"""Uploads files in groups, which the service embeds and stores together."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from trimtab.cli.runtime.errors import Refused
from trimtab.cli.runtime.session import Session
from trimtab.infra.folders import FolderFile
from trimtab.kernel.errors import ErrorKind, InvalidInput

_FILES = 128
"""Maximum of open files; also the number that the service stores in one batch."""
_BYTES = 16 * 1024 * 1024
"""Below the default of `api.max_upload_mb`; a service with a lower limit gets smaller groups."""

File = tuple[str, Path | FolderFile]
"""Name of the document, and its file: named by the user or found in a folder."""
Outcome = dict[str, Any]
"""Answer for one file: the ingested document, or the name and the error."""


class FileUnreadable(InvalidInput):
    """A file cannot be opened."""

    code = "cli.file_unreadable"
    default_hint = "Check that it is still there, and its permissions."


def grouped(
    files: Iterable[File], max_files: int = _FILES, max_bytes: int = _BYTES
) -> Iterator[list[File]]:
    """Yield the files in order, in groups within both limits; a larger file is its own group."""
    group: list[File] = []
    held = 0
    for name, file in files:
        size = size_of(file)
        if group and (len(group) >= max_files or held + size > max_bytes):
            yield group
            group, held = [], 0
        group.append((name, file))
        held += size
    if group:
        yield group


def send_one(
    session: Session, project: str, name: str, file: Path | FolderFile, user_id: str
) -> Outcome:
    """Send one file and return its result; raises `Refused`, or `OSError` if it is unreadable."""
    with file.open("rb") as content:
        return _posted(session, project, [(name, content)], user_id)


def send_group(session: Session, project: str, group: list[File], user_id: str) -> list[Outcome]:
    """Send a group, in halves if it is too large; return the result of each file in order."""
    try:
        return _send_whole(session, project, group, user_id)
    except Refused as refused:
        if refused.service_kind is ErrorKind.TOO_LARGE and len(group) > 1:
            half = len(group) // 2
            return [
                *send_group(session, project, group[:half], user_id),
                *send_group(session, project, group[half:], user_id),
            ]
        return [{"name": name, **refused.error} for name, _ in group]
    except OSError as error:  # Reading an open file failed; which one is found file by file.
        if len(group) > 1:
            return [
                outcome
                for file in group
                for outcome in send_group(session, project, [file], user_id)
            ]
        return [unreadable(group[0][0], str(error.strerror))]


def unreadable(name: str, reason: str) -> Outcome:
    """Return the outcome of a file or folder that cannot be read."""
    return {"name": name, **FileUnreadable(f"{name} cannot be read: {reason}.").as_wire()}


def _send_whole(session: Session, project: str, group: list[File], user_id: str) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with ExitStack() as stack:
        parts: list[tuple[str, IO[bytes]]] = []
        for name, file in group:
            try:
                parts.append((name, stack.enter_context(file.open("rb"))))
            except OSError as error:
                outcomes.append(unreadable(name, str(error.strerror)))
        if parts:
            answer = _posted(session, project, parts, user_id)
            # The answer for one file is its result; for several it has two lists.
            outcomes += [answer] if len(parts) == 1 else [*answer["documents"], *answer["refused"]]
    place = {name.strip(): number for number, (name, _) in enumerate(group)}
    return sorted(outcomes, key=lambda found: place.get(found["name"].strip(), len(group)))


def _posted(
    session: Session, project: str, parts: list[tuple[str, IO[bytes]]], user_id: str
) -> Outcome:
    form: list[tuple[str, Any]] = [("project", (None, project)), ("user_id", (None, user_id))]
    form += [("labels", (None, label)) for label in session.document_labels]
    form += [("file", part) for part in parts]
    answer: Outcome = session.client.call("POST", "/api/v1/ingest", files=form)
    return answer


def size_of(file: Path | FolderFile) -> int:
    """Return the file's size in bytes; 0 if it cannot be read."""
    if isinstance(file, FolderFile):
        return file.size
    try:
        return file.stat().st_size
    except OSError:
        return 0  # Opening it will say why.
