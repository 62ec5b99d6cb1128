"""Reads log files back: by time, level and component, plain and compressed ones, oldest line first."""

import gzip
import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from trimtab.infra.telemetry.log_files import ACTIVE_LOG, rotated

LEVELS = ("debug", "info", "warning", "error", "critical")
_PACKAGE = "trimtab."


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines are wanted."""

    since: datetime
    level: str = "debug"
    """The lowest level, one of `LEVELS`."""
    component: str = ""
    """A logger or its beginning, with or without ``trimtab.``: ``knowledge``, ``knowledge.maintenance``."""

    def matches(self, line: dict[str, Any]) -> bool:
        """Return whether the line is wanted."""
        return (
            _number(str(line.get("level", ""))) >= _number(self.level)
            and self._of_component(str(line.get("logger", "")))
            and _time(line) >= self.since
        )

    def _of_component(self, logger: str) -> bool:
        wanted = self.component.removeprefix(_PACKAGE)
        name = logger.removeprefix(_PACKAGE)
        return not wanted or name == wanted or name.startswith(f"{wanted}.")


@dataclass(slots=True)
class Skipped:
    """What could not be read."""

    lines: int = 0
    """Lines that are no JSON objects, such as one that a crash cut short."""
    files: int = 0
    """Files of which the rest, or all, cannot be read."""


def read_logs(folder: Path, wanted: LogFilter, skipped: Skipped) -> Iterator[dict[str, Any]]:
    """Yield the lines of all log files in the folder that match, the oldest file first.

    Args:
        folder: Where the files are; it may be missing.
        wanted: Which lines.
        skipped: Counts what could not be read.
    """
    for file in (*rotated(folder), folder / ACTIVE_LOG):
        try:
            # The newest line of a file is as old as the file.
            if file.stat().st_mtime < wanted.since.timestamp():
                continue
            for raw in _lines(file):
                line = _parsed(raw)
                if line is None:
                    skipped.lines += 1
                elif wanted.matches(line):
                    yield line
        except FileNotFoundError:
            continue  # It was compressed or removed meanwhile.
        except (OSError, EOFError, zlib.error):
            skipped.files += 1


def _lines(file: Path) -> Iterator[bytes]:
    if file.suffix == ".gz":
        with gzip.open(file, "rb") as packed:
            yield from packed
        return
    with file.open("rb") as plain:
        yield from plain


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        line = orjson.loads(raw)
        if not isinstance(line, dict):
            return None
        _time(line)
    except (ValueError, KeyError, TypeError):
        return None
    return line


def _time(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["time"])


def _number(level: str) -> int:
    found = logging.getLevelName(level.upper())
    return found if isinstance(found, int) else logging.NOTSET
