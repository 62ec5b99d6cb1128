"""Bug report of the memory: memray's capture and flame graph with the heap dump."""

import platform
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import trimtab
from trimtab.kernel.clock import Clock
from trimtab.knowledge.errors import MemoryReportRunning, ProfilerFailed, ProfilerMissing
from trimtab.knowledge.maintenance.memory import MemoryUsage

_GRAPH_SECONDS = 300.0
"""Limit of the process that draws the flame graph."""
_ABOUT = """\
Memory of trimtab {version} on Python {python}, recorded for {seconds:g} s.

flamegraph.html  who allocates the memory at its peak; open it in a browser
capture.bin      the capture of memray: `memray tree capture.bin`, `memray table capture.bin`
heap_dump.txt    types, counts and sizes of all objects

No contents of objects, no settings and no arguments of the command are in these files.
"""


class MemoryReport:
    """Records the allocations of this process and bundles what was found.

    While it records, an allocation costs several times as much.

    Args:
        clock: Names the file.
        folder: The data directory.
        memory: Writes the heap dump.
    """

    def __init__(self, clock: Clock, folder: Path, memory: MemoryUsage) -> None:
        self._clock = clock
        self._folder = folder
        self._memory = memory
        self._running = threading.Lock()
        self._stop = threading.Event()

    def write(self, seconds: float) -> Path:
        """Record for a time; return the archive in the data directory.

        Raises:
            MemoryReportRunning: Another one is being written.
            ProfilerMissing: memray is not installed.
            ProfilerFailed: The flame graph could not be drawn.
        """
        if not self._running.acquire(blocking=False):
            raise MemoryReportRunning("A memory report is being written already.")
        try:
            with TemporaryDirectory(dir=self._folder, prefix="memory-report-") as folder:
                return self._write(Path(folder), seconds)
        finally:
            self._running.release()

    def close(self) -> None:
        """End the recording that is under way."""
        self._stop.set()

    def _write(self, folder: Path, seconds: float) -> Path:
        capture, graph = folder / "capture.bin", folder / "flamegraph.html"
        self._record(capture, seconds)
        _draw(capture, graph)
        dump = folder / "heap_dump.txt"
        self._memory.dump(dump)
        about = folder / "about.txt"
        version, python = trimtab.__version__, platform.python_version()
        text = _ABOUT.format(version=version, python=python, seconds=seconds)
        about.write_text(text, encoding="utf-8")
        archive = folder / "report.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in (about, graph, dump, capture):
                packed.write(file, file.name)
        archive.chmod(0o600)
        name = f"memory-report-{self._clock.now():%Y%m%dT%H%M%SZ}.zip"
        return archive.rename(self._folder / name)

    def _record(self, capture: Path, seconds: float) -> None:
        try:
            import memray
        except ImportError as error:
            raise ProfilerMissing(
                "A memory report needs memray, which is not installed."
            ) from error
        with _arguments_hidden():
            tracker = memray.Tracker(capture)
        with tracker:
            self._clock.wait(self._stop, seconds)


@contextmanager
def _arguments_hidden() -> Iterator[None]:
    """Let memray see no arguments: it writes them into its capture, and they may hold secrets."""
    before = sys.argv
    sys.argv = before[:1]
    try:
        yield
    finally:
        sys.argv = before


def _draw(capture: Path, graph: Path) -> None:
    # In a process of its own: reading a capture takes much more memory than is to be explained.
    command = [sys.executable, "-m", "memray", "flamegraph", "-f", "-o", str(graph), str(capture)]
    done = subprocess.run(  # noqa: S603 - memray, run by this interpreter.
        command, capture_output=True, text=True, timeout=_GRAPH_SECONDS, check=False
    )
    if done.returncode or not graph.is_file():
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise ProfilerFailed(f"memray could not draw the flame graph: {lines[-1][:200]}")
