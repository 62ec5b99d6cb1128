"""Signals of the load of the machine's disks, as ``iostat -x`` shows it."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.operable import Sample, Signal

_MIN_SECONDS = 1.0
"""Two looks closer than this share one measurement: a scrape reads both signals."""
_BLOCK_DEVICES = Path("/sys/block")


class DiskLoad:
    """Measures each disk between one look and the next; thread-safe.

    Args:
        clock: Measures the time between two looks.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = machine_clock(clock)
        self._lock = threading.Lock()
        self._at, self._counters = self._clock.monotonic(), _counters()
        self._busy: list[Sample] = []
        self._wait: list[Sample] = []

    def signals(self) -> tuple[Signal, ...]:
        """Return how busy each disk is and how long its requests wait.

        Both are absent where the system does not count it, and before the first second has passed.
        """
        return (
            Signal(
                "service.disk.busy_ratio",
                "ratio",
                "Share of the time in which the disk worked, since the last look (iostat's %util).",
                lambda: self._look()[0],
                labels=("device",),
            ),
            Signal(
                "service.disk.wait_seconds",
                "seconds",
                "Mean time of a read or write of the disk, since the last look (iostat's await).",
                lambda: self._look()[1],
                labels=("device",),
            ),
        )

    def _look(self) -> tuple[list[Sample], list[Sample]]:
        with self._lock:
            now = self._clock.monotonic()
            if now - self._at >= _MIN_SECONDS:
                before, seconds = self._counters, now - self._at
                self._at, self._counters = now, _counters()
                found = [
                    (name, before[name], each)
                    for name, each in self._counters.items()
                    if name in before
                ]
                self._busy = [
                    Sample(
                        min(1.0, (each.busy_time - old.busy_time) / 1000 / seconds),
                        {"device": name},
                    )
                    for name, old, each in found
                ]
                self._wait = [
                    Sample(_milliseconds(old, each) / 1000, {"device": name})
                    for name, old, each in found
                    if _requests(each) > _requests(old)
                ]
            return self._busy, self._wait


def _counters() -> Mapping[str, Any]:
    """Return the system's counters of each whole disk that has ever been used."""
    found = psutil.disk_io_counters(perdisk=True) or {}
    whole = {each.name for each in _BLOCK_DEVICES.iterdir()} if _BLOCK_DEVICES.is_dir() else set()
    return {
        name: each
        for name, each in found.items()
        if name in whole and hasattr(each, "busy_time") and _requests(each)
    }


def _requests(counters: Any) -> int:
    return int(counters.read_count + counters.write_count)


def _milliseconds(before: Any, after: Any) -> float:
    """Return the mean time of a request between the two."""
    spent = after.read_time + after.write_time - before.read_time - before.write_time
    return float(spent) / (_requests(after) - _requests(before))
