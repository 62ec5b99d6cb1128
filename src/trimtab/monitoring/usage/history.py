"""Hourly peaks of series, kept for five weeks in one file."""

import json
import logging
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np

from trimtab.kernel.errors import TrimtabError
from trimtab.monitoring.usage.forecast import WEEK_HOURS, Peaks

FILE = "usage.npz"
KEPT_HOURS = 5 * WEEK_HOURS
_MAX_SERIES = 1000
"""More are left out: 3.4 MB."""
_log = logging.getLogger(__name__)

SeriesKey: TypeAlias = tuple[tuple[str, str], ...]
"""Sorted labels, which identify a series."""


class HistoryFolder(Protocol):
    """The data directory: keeps private files, each written whole or not at all."""

    def file(self, name: str) -> Path:
        """Return the path of a file."""
        ...

    def keep_secret(self, name: str, data: bytes) -> None:
        """Write a file that only its owner can read."""
        ...


class UsageHistory:
    """The highest value of each hour, by series.

    Args:
        folder: Where the file is.
    """

    def __init__(self, folder: HistoryFolder) -> None:
        self._folder = folder
        self._hour = 0
        """The newest hour, which is not complete, in hours since 1970."""
        self._peaks: dict[SeriesKey, Peaks] = {}

    def note(self, hour: int, values: Mapping[SeriesKey, float]) -> bool:
        """Take values of an hour; return whether another hour began.

        An earlier hour than the newest is not taken: the clock has been put back.
        """
        if hour < self._hour:
            return False
        began = hour > self._hour
        if began:
            self._forget(hour)
        for key, value in values.items():
            peaks = self._peaks.get(key)
            if peaks is None:
                if len(self._peaks) >= _MAX_SERIES:
                    continue
                peaks = self._peaks[key] = np.full(KEPT_HOURS, np.nan, np.float32)
            peaks[hour % KEPT_HOURS] = np.fmax(peaks[hour % KEPT_HOURS], value)
        return began

    def complete(self) -> Iterator[tuple[SeriesKey, Peaks]]:
        """Yield the series with the peaks of their complete hours, the oldest first."""
        for key, peaks in self._peaks.items():
            yield key, np.roll(peaks, -(self._hour % KEPT_HOURS))[1:]

    def save(self) -> None:
        """Write the file; without space it stays as it was."""
        about = {"hour": self._hour, "series": [list(key) for key in self._peaks]}
        peaks = np.array(list(self._peaks.values()), np.float32).reshape(-1, KEPT_HOURS)
        written = BytesIO()
        np.savez(written, about=np.array(json.dumps(about)), peaks=peaks)
        try:
            self._folder.keep_secret(FILE, written.getvalue())
        except TrimtabError as error:
            _log.warning("the history of the usage is not saved: %s", error.message)

    def load(self) -> None:
        """Read the file; without one, or with one that cannot be read, it begins again."""
        file = self._folder.file(FILE)
        if not file.exists():
            return
        try:
            with np.load(BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
                about, peaks = json.loads(str(arrays["about"])), arrays["peaks"]
            keys = [tuple((str(k), str(v)) for k, v in key) for key in about["series"]]
            if peaks.shape != (len(keys), KEPT_HOURS):
                raise ValueError("not every series has its hours")
            hour = int(about["hour"])
        except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
            _log.warning("%s cannot be read, so the history begins again: %r", file.name, error)
            return
        self._hour = hour
        self._peaks = dict(zip(keys, peaks.astype(np.float32), strict=True))

    def _forget(self, hour: int) -> None:
        """Go to a later hour: the hours between are unknown, and series without any are dropped."""
        between = min(hour - self._hour, KEPT_HOURS)
        slots = [(hour - back) % KEPT_HOURS for back in range(between)]
        for key, peaks in list(self._peaks.items()):
            peaks[slots] = np.nan
            if not np.isfinite(peaks).any():
                del self._peaks[key]
        self._hour = hour
