"""Traces memory growth: by type, and by the line of code that allocated it."""

import gc
import logging
import threading
import tracemalloc
from collections import Counter
from pathlib import Path

from trimtab.infra.background import TaskRunner
from trimtab.kernel.clock import Clock
from trimtab.knowledge.maintenance.heap import counted, named

_log = logging.getLogger(__name__)
_MOST = 20


class GrowthProfile:
    """Traces the allocations of this process for a given time, in a background thread.

    While it watches, each allocation costs about twice as much; before and after, nothing.

    Args:
        clock: Whose seconds are waited.
        file: Where the result is written: types, counts, sizes and source lines, never contents.
    """

    def __init__(self, clock: Clock, file: Path) -> None:
        self._clock = clock
        self.file = file
        self._samples = TaskRunner("memory-profile", clock)
        self._stop = threading.Event()
        self._profiling = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, seconds: float) -> bool:
        """Begin to watch for so long; return False when one is under way already."""
        if not self._profiling.acquire(blocking=False):
            return False
        self._thread = threading.Thread(
            target=self._samples.run,
            args=(lambda: self._watch(seconds),),
            name="memory profile",
            daemon=True,
        )
        self._thread.start()
        return True

    def close(self) -> None:
        """End the profile that is under way, and write what it has seen."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _watch(self, seconds: float) -> None:
        began = self._clock.monotonic()
        ours = not tracemalloc.is_tracing()
        try:
            if ours:
                tracemalloc.start()
            before, lines = _types(), tracemalloc.take_snapshot()
            self._clock.wait(self._stop, seconds)
            later = tracemalloc.take_snapshot().compare_to(lines, "lineno")[:_MOST]
            grown = _types() - before
            took = self._clock.monotonic() - began
            self.file.write_text(_report(took, grown, later), encoding="utf-8")
        except OSError as error:
            _log.warning("the memory profile was not written", extra={"reason": str(error)})
        finally:
            if ours:
                tracemalloc.stop()
            self._profiling.release()


def _types() -> Counter[str]:
    gc.collect()
    return named(counted())


def _report(seconds: float, grown: Counter[str], lines: list[tracemalloc.StatisticDiff]) -> str:
    report = [f"seconds {seconds:.0f}", "grown type count"]
    report += [f"grown {name} {count}" for name, count in grown.most_common(_MOST)]
    report.append("line bytes blocks")
    for line in lines:
        place = line.traceback[0]
        report.append(f"line {place.filename}:{place.lineno} {line.size_diff} {line.count_diff}")
    return "\n".join(report) + "\n"
