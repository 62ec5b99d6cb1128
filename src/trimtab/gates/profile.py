"""Memory profile and duration of a benchmark script, sampled from outside."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil

from trimtab.gates.errors import EvidenceMissing, EvidenceUnreadable
from trimtab.kernel.clock import Clock

INTERVAL_S = 0.02
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class MemoryProfile:
    """Memory of a script and its child processes over time."""

    samples: tuple[tuple[float, float], ...]
    """(seconds since the start, MB resident), in order of time."""
    duration_s: float
    exit_code: int

    @property
    def peak_mb(self) -> float:
        """Return the peak resident memory, in MB."""
        return max((mb for _, mb in self.samples), default=0.0)

    @property
    def still_growing(self) -> bool:
        """Return whether memory looks like a leak.

        True if the last quarter is at least a tenth above each earlier one.
        """
        quarter = len(self.samples) // 4
        if quarter < 3:
            return False
        means = [
            sum(mb for _, mb in self.samples[i * quarter : (i + 1) * quarter]) / quarter
            for i in range(4)
        ]
        return all(later > earlier * 1.1 for earlier, later in pairwise(means))


def profile(
    script: Path, arguments: Sequence[str], clock: Clock, *, timeout_s: float
) -> MemoryProfile:
    """Run a Python script and return its memory profile.

    Raises:
        EvidenceMissing: The script does not exist.
        EvidenceUnreadable: It exceeded the timeout and was stopped.
    """
    if not script.is_file():
        raise EvidenceMissing(f"There is no script {script.name}.")
    started = clock.monotonic()
    child = subprocess.Popen(  # noqa: S603 - the user's own script.
        [sys.executable, str(script), *arguments], stdout=subprocess.DEVNULL
    )
    samples = []
    try:
        while child.poll() is None:
            elapsed = clock.monotonic() - started
            if elapsed > timeout_s:
                raise EvidenceUnreadable(f"{script.name} took longer than {timeout_s:g} s.")
            samples.append((elapsed, _resident_mb(child.pid)))
            clock.sleep(INTERVAL_S)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    return MemoryProfile(tuple(samples), clock.monotonic() - started, child.returncode)


def _resident_mb(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(member.memory_info().rss for member in family) / _MB
    except psutil.Error:
        return 0.0


@dataclass(frozen=True, slots=True)
class PythonProcess:
    """A running Python process."""

    pid: int
    cpu_percent: float
    memory_mb: float
    name: str


def python_processes() -> tuple[PythonProcess, ...]:
    """Return the visible Python processes of this machine, largest first."""
    found = []
    for process in psutil.process_iter():
        try:
            if "python" in process.name():
                size = process.memory_info().rss / _MB
                found.append(
                    PythonProcess(process.pid, process.cpu_percent(), size, process.name())
                )
        except psutil.Error:
            continue
    return tuple(sorted(found, key=lambda entry: -entry.memory_mb))
