"""Signals of the Valkey server."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from trimtab.infra.valkey.server import Valkey
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.operable import Sample, Signal

_KEEP_SECONDS = 5.0
"""A scrape reads five signals, and asks the server once."""


def signals(valkey: Valkey, clock: Clock) -> tuple[Signal, ...]:
    """Return the signals of the server; while it is down, all but the first have no sample."""
    info = _RecentInfo(valkey, clock)
    return (
        Signal(
            "service.valkey.up",
            "1",
            "1 when the Valkey server answers; at 0 rate limits count in each process.",
            lambda: [Sample(float(bool(info.read())))],
        ),
        _counter(info, "keyspace_hits", "Reads of the Valkey server that found their key."),
        _counter(info, "keyspace_misses", "Reads of the Valkey server that did not."),
        Signal(
            "service.valkey.hit_ratio",
            "1",
            "Share of the reads of the Valkey server that found their key; absent without reads.",
            lambda: _hit_ratio(info.read()),
        ),
        Signal(
            "service.valkey.memory_bytes",
            "bytes",
            "Memory of the Valkey server.",
            lambda: _value(info.read(), "used_memory"),
        ),
    )


class _RecentInfo:
    """The server's statistics, at most a few seconds old."""

    def __init__(self, valkey: Valkey, clock: Clock) -> None:
        self._valkey, self._machine = valkey, machine_clock(clock)
        self._lock = threading.Lock()
        self._found: Mapping[str, Any] = {}
        self._until = 0.0

    def read(self) -> Mapping[str, Any]:
        with self._lock:
            now = self._machine.monotonic()
            if now >= self._until:
                self._found = self._valkey.info()
                self._until = now + _KEEP_SECONDS
            return self._found


def _counter(info: _RecentInfo, field: str, text: str) -> Signal:
    read: Callable[[], Iterable[Sample]] = lambda: _value(info.read(), field)  # noqa: E731
    return Signal(
        f"service.valkey.{field}", "reads", text, read, (), f"redis_{field}_total", counter=True
    )


def _value(info: Mapping[str, Any], field: str) -> list[Sample]:
    value = info.get(field)
    return [Sample(float(value))] if isinstance(value, int | float) else []


def _hit_ratio(info: Mapping[str, Any]) -> list[Sample]:
    hits, misses = info.get("keyspace_hits", 0), info.get("keyspace_misses", 0)
    return [Sample(hits / (hits + misses))] if hits + misses else []
