"""Reads plain and compressed log files, filtered by time, level and component."""

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
    """Filter of log lines by time, level and component."""

    since: datetime
    level: str = "debug"
    """The lowest level, one of `LEVELS`."""
    component: str = ""
    """A logger or its prefix, with or without ``trimtab.``: ``knowledge``,
    ``knowledge.maintenance``; or a model: ``fraud-classifier``, ``fraud-classifier@3``.
    """

    def matches(self, line: dict[str, Any]) -> bool:
        """Return whether a parsed line passes the filter."""
        return (
            _number(str(line.get("level", ""))) >= _number(self.level)
            and (self._of_component(str(line.get("logger", ""))) or self._of_model(line))
            and _time(line) >= self.since
        )

    def _of_model(self, line: dict[str, Any]) -> bool:
        model = line.get("model")
        return isinstance(model, str) and self.component in (model, model.partition("@")[0])

    def _of_component(self, logger: str) -> bool:
        prefix = self.component.removeprefix(_PACKAGE)
        name = logger.removeprefix(_PACKAGE)
        return not prefix or name == prefix or name.startswith(f"{prefix}.")


@dataclass(slots=True)
class Skipped:
    """Counts of lines and files that could not be read."""

    lines: int = 0
    """Lines that are not JSON objects, such as one truncated by a crash."""
    files: int = 0
    """Files that cannot be read, in part or completely."""


def read_logs(folder: Path, log_filter: LogFilter, skipped: Skipped) -> Iterator[dict[str, Any]]:
    """Yield the matching lines of all log files in a folder, oldest file first.

    Args:
        folder: The folder of the log files; it may be missing.
        log_filter: The filter of lines.
        skipped: Counts unreadable lines and files.
    """
    for file in (*rotated(folder), folder / ACTIVE_LOG):
        try:
            # The modification time of a file is the time of its newest line.
            if file.stat().st_mtime < log_filter.since.timestamp():
                continue
            for raw in _lines(file):
                line = _parsed(raw)
                if line is None:
                    skipped.lines += 1
                elif log_filter.matches(line):
                    yield line
        except FileNotFoundError:
            continue  # Compressed or removed since the folder was listed.
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
