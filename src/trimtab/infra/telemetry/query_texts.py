"""Erases the texts of queries from the log files of a data directory."""

import gzip
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import orjson

from trimtab.infra.telemetry.log_files import ACTIVE_LOG, RotatingLog, rotated
from trimtab.kernel.errors import Unavailable

_FIELD = b'"query":"'


class QueryTextsKept(Unavailable):
    """A log file still holds texts of queries after their erasure."""

    code = "logs.query_texts_kept"
    default_hint = "Run the erasure again; when it fails again, delete the file named."


def forget_queries(folder: Path) -> int:
    """Erase all query texts in the log files; return the number of files changed.

    A line does not name the user of its query, so all texts are erased; the lines themselves stay.
    The current file is rotated first, so that new queries do not affect this call.

    Raises:
        QueryTextsKept: A file still holds texts, because something else wrote to it meanwhile.
        OSError: A file cannot be read or written.
    """
    handlers = [each for each in logging.getLogger().handlers if isinstance(each, RotatingLog)]
    writing = [each for each in handlers if Path(each.baseFilename).parent == folder.absolute()]
    for handler in writing:
        handler.begin_new_file()
    found = [file for file in _files(folder, active=not writing) if _holds_text(file)]
    for file in found:
        _rewrite(file)
    # A clean-up may have compressed a file during the rewrite.
    for file in _files(folder, active=not writing):
        if _holds_text(file):
            raise QueryTextsKept(f"The log file {file.name} still holds texts of queries.")
    return len(found)


def _files(folder: Path, *, active: bool) -> list[Path]:
    files = [file for file in folder.glob("*.log*") if file.name != ACTIVE_LOG and file.is_file()]
    last = folder / ACTIVE_LOG
    return sorted({*files, *rotated(folder), *([last] if active and last.is_file() else [])})


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as raw:
        yield from gzip.GzipFile(fileobj=raw) if file.suffix == ".gz" else raw


def _holds_text(file: Path) -> bool:
    try:
        return any(_kept(line) != line for line in _lines(file))
    except FileNotFoundError:
        return False


def _without(line: bytes) -> bytes:
    """Return the line with an empty query, or an empty line for invalid JSON."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return b""
    if not isinstance(fields, dict) or not fields.get("query"):
        return line
    return orjson.dumps({**fields, "query": ""}) + b"\n"


def _rewrite(file: Path) -> None:
    status = file.stat()
    partial = file.with_name(f".{file.name}.partial")
    handle = os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as raw:
            if file.suffix == ".gz":
                with gzip.GzipFile("", "wb", 6, raw, 0) as packed:
                    packed.writelines(map(_kept, _lines(file)))
            else:
                raw.writelines(map(_kept, _lines(file)))
            raw.flush()
            os.fsync(raw.fileno())
        os.utime(partial, (status.st_atime, status.st_mtime))
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _kept(line: bytes) -> bytes:
    return _without(line) if _FIELD in line else line
