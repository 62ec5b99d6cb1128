"""Small duties that come round again and again: one thread, one failure never stops the others."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from trimtab.kernel.clock import Clock

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do every so often. It must be short and safe to repeat."""

    name: str
    every_seconds: float
    do: Callable[[], object]


class Chores:
    """Does them one after another, each first at the start. For work that may be late but not lost, use `Jobs`."""

    def __init__(self, chores: tuple[Chore, ...], clock: Clock) -> None:
        self._chores = chores
        self._clock = clock
        self._due = dict.fromkeys((chore.name for chore in chores), 0.0)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def run_due(self) -> list[str]:
        """Do what is due now; return the names of what was done."""
        done = []
        for chore in self._chores:
            now = self._clock.monotonic()
            if now < self._due[chore.name]:
                continue
            self._due[chore.name] = now + chore.every_seconds
            try:
                chore.do()
                done.append(chore.name)
            except Exception:  # noqa: BLE001 - the edge of a background thread; the next round tries again.
                _log.exception("chore failed", extra={"chore": chore.name})
        return done

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._loop, name="chores", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the chore that is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _loop(self) -> None:
        while not self._stop.is_set():
            self.run_due()
            self._clock.wait(self._stop, _LOOK_SECONDS)
