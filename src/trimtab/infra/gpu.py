"""Memory and utilisation of GPUs, by ``nvidia-smi``."""

import csv
import shutil
import subprocess
from dataclasses import dataclass

_FIELDS = ("index", "name", "utilization.gpu", "memory.used", "memory.total")
_TIMEOUT_SECONDS = 5.0
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU of this machine."""

    index: str
    name: str
    utilisation: float
    """In [0, 1]; 0 when the driver does not say."""
    memory_bytes: int
    memory_total_bytes: int


@dataclass(frozen=True, slots=True)
class GpuReport:
    """The GPUs of this machine, or why there are none."""

    gpus: tuple[Gpu, ...]
    detail: str
    """``no GPU`` without one or without the driver; empty when the GPUs could be read."""


NO_GPU = GpuReport((), "no GPU")


class GpuMonitor:
    """Keeps the newest report; a periodic task refreshes it, since the program is slow."""

    def __init__(self) -> None:
        self.report = NO_GPU

    def refresh(self) -> GpuReport:
        """Ask ``nvidia-smi`` and return what it says; never raises."""
        self.report = query_gpus()
        return self.report


def parse_gpus(text: str) -> GpuReport:
    """Return the GPUs of ``nvidia-smi --format=csv,noheader,nounits``."""
    found = []
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        if len(row) != len(_FIELDS):
            continue
        index, name, used, memory, total = row
        found.append(
            Gpu(
                index,
                name,
                _number(used) / 100,
                int(_number(memory) * _MB),
                int(_number(total) * _MB),
            )
        )
    return GpuReport(tuple(found), "") if found else NO_GPU


def query_gpus() -> GpuReport:
    """Return the GPUs of this machine; never raises."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return NO_GPU
    command = [program, f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits"]
    try:
        # The program is the driver's own; its arguments are constants.
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return GpuReport((), f"nvidia-smi failed: {type(error).__name__}")
    if done.returncode:
        return GpuReport((), f"nvidia-smi failed with exit code {done.returncode}")
    return parse_gpus(done.stdout)


def _number(text: str) -> float:
    """Return a number; 0 for ``[N/A]`` and other texts."""
    try:
        return float(text)
    except ValueError:
        return 0.0
