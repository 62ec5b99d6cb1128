"""Keeps what the detectors have learned in one file, so that a restart forgets nothing."""

import json
import logging
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from trimtab.incidents.anomaly.detector import Array, SeriesDetector
from trimtab.kernel.errors import TrimtabError

_log = logging.getLogger(__name__)
FILE = "anomalies.npz"
_ABOUT = "about"


@dataclass(slots=True)
class WatchedSeries:
    """One series, its detector, and the anomaly that it has now."""

    expression: str
    labels: Mapping[str, str]
    detector: SeriesDetector
    since: datetime | None = None
    unusual_at: datetime | None = None


class Folder(Protocol):
    """The data directory: keeps private files, each written whole or not at all."""

    def file(self, name: str) -> Path:
        """Return the path of a file."""
        ...

    def keep_secret(self, name: str, data: bytes) -> None:
        """Write a file that only its owner can read."""
        ...


class DetectorMemory:
    """The watched series on disk: 16 bytes for each value that a detector remembers.

    Args:
        folder: Where the file is.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def save(self, watched: Mapping[str, WatchedSeries]) -> None:
        """Write all series; without space the file stays as it was."""
        about: list[dict[str, object]] = []
        arrays: dict[str, Any] = {}
        for number, (key, each) in enumerate(watched.items()):
            times, values, learned = each.detector.learned()
            arrays[f"times{number}"], arrays[f"values{number}"] = times, values
            about.append(
                {
                    "key": key,
                    "expression": each.expression,
                    "labels": dict(each.labels),
                    "learned": learned,
                    "since": each.since and each.since.isoformat(),
                    "unusual_at": each.unusual_at and each.unusual_at.isoformat(),
                }
            )
        written = BytesIO()
        arrays[_ABOUT] = np.array(json.dumps(about))
        np.savez(written, **arrays)
        try:
            self._folder.keep_secret(FILE, written.getvalue())
        except TrimtabError as error:
            _log.warning("what was learned about series is not saved: %s", error.message)

    def load(self, oldest: datetime, newest: datetime) -> dict[str, WatchedSeries]:
        """Return the series by key; empty without a file, or when it cannot be read.

        Args:
            oldest: Series whose last value is older are forgotten.
            newest: Series with later values are forgotten: the clock has been put back.
        """
        file = self._folder.file(FILE)
        if not file.exists():
            return {}
        try:
            with np.load(BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
                about = json.loads(str(arrays[_ABOUT]))
                found = {
                    each["key"]: _series(each, arrays[f"times{number}"], arrays[f"values{number}"])
                    for number, each in enumerate(about)
                }
        except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
            _log.warning("%s cannot be read, so series are learned again: %r", file.name, error)
            return {}
        first, last = oldest.timestamp(), newest.timestamp()
        return {
            key: each for key, each in found.items() if first <= each.detector.newest_at <= last
        }


def _series(about: Mapping[str, object], times: Array, values: Array) -> WatchedSeries:
    labels, learned = about["labels"], about["learned"]
    if not isinstance(labels, dict) or not isinstance(learned, dict):
        raise TypeError("labels or learned values are not a mapping")
    largest = {str(name): float(value) for name, value in learned.items()}
    if not (np.isfinite(times).all() and np.isfinite(values).all()):
        raise ValueError("a value is not finite")
    if not all(math.isfinite(value) for value in largest.values()):
        raise ValueError("a learned value is not finite")
    return WatchedSeries(
        str(about["expression"]),
        {str(name): str(value) for name, value in labels.items()},
        SeriesDetector.with_learned(times, values, largest),
        _instant(about["since"]),
        _instant(about["unusual_at"]),
    )


def _instant(text: object) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text))
