"""Graphics processors: memory and utilisation as `nvidia-smi` tells them; none is a value too."""

import logging
import math
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from trimtab.kernel.operable import Sample, Signal
from trimtab.kernel.tasks import ScheduledTask
from trimtab.knowledge.encoder import Encoder

_log = logging.getLogger(__name__)
_PROGRAM = "nvidia-smi"
_FIELDS = "index,name,memory.used,memory.total,utilization.gpu"
_SECONDS = 5.0
_EVERY_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics processor; NaN stands for what its driver does not tell."""

    index: int
    name: str
    memory_used_mb: float
    memory_total_mb: float
    utilization: float
    """The share of the last second in which it worked, 0 to 1."""

    @property
    def memory_used_ratio(self) -> float:
        """Return the share of its memory in use; NaN where it is unknown."""
        return self.memory_used_mb / self.memory_total_mb if self.memory_total_mb else math.nan


def parse_gpus(report: str) -> tuple[Gpu, ...]:
    """Return the processors of a report in CSV without header and units.

    Lines of another form, such as warnings of the driver, are left out.
    """
    return tuple(gpu for line in report.splitlines() if (gpu := _parse_line(line)) is not None)


def _parse_line(line: str) -> Gpu | None:
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != 5 or not cells[0].isascii() or not cells[0].isdigit():
        return None
    used, total, busy = map(_number, cells[2:])
    return Gpu(int(cells[0]), cells[1], used, total, busy / 100)


def _number(cell: str) -> float:
    """Return the number; NaN for `[N/A]` and the like."""
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _ask_driver() -> str:
    program = shutil.which(_PROGRAM)
    if program is None:
        return ""
    command = [program, f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(  # noqa: S603 - the driver's own program, without a shell.
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _log.warning("nvidia-smi does not answer", extra={"error_type": type(error).__name__})
        return ""
    return done.stdout if done.returncode == 0 else ""


class GpuMonitor:
    """The graphics processors of the machine at the last look.

    Args:
        ask: Returns the report of the driver; empty without a processor.
    """

    def __init__(self, ask: Callable[[], str] = _ask_driver) -> None:
        self._ask = ask
        self.gpus: tuple[Gpu, ...] = ()

    def look(self) -> None:
        """Ask the driver."""
        self.gpus = parse_gpus(self._ask())

    def scheduled(self) -> tuple[ScheduledTask, ...]:
        """Return the regular look; none where the driver is not installed."""
        if shutil.which(_PROGRAM) is None:
            return ()
        return (ScheduledTask("look at the graphics processors", _EVERY_SECONDS, self.look),)


def gpu_signals(monitor: GpuMonitor, encoder: Encoder, device: str) -> tuple[Signal, ...]:
    """Return the signals of the processors and of the model on them.

    Args:
        monitor: Tells memory and utilisation.
        encoder: The standard model.
        device: Where the settings want it.
    """

    def of_each(value: Callable[[Gpu], float]) -> Callable[[], Iterable[Sample]]:
        return lambda: [Sample(value(gpu), {"gpu": str(gpu.index)}) for gpu in monitor.gpus]

    return (
        Signal(
            "knowledge.gpu.count",
            "1",
            "Graphics processors of this machine; 0 means that it has none.",
            lambda: (Sample(float(len(monitor.gpus))),),
            metric="kb_gpu_count",
        ),
        Signal(
            "knowledge.gpu.memory_used_ratio",
            "ratio",
            "Share of a graphics processor's memory in use, by all programs; absent without one.",
            of_each(lambda gpu: gpu.memory_used_ratio),
            labels=("gpu",),
            metric="kb_gpu_memory_used_ratio",
        ),
        Signal(
            "knowledge.gpu.utilization",
            "ratio",
            "Share of the time in which a graphics processor works; absent without one.",
            of_each(lambda gpu: gpu.utilization),
            labels=("gpu",),
            metric="kb_gpu_utilization",
        ),
        Signal(
            "knowledge.embedding.fell_back",
            "1",
            "1 when the model should run on a GPU but runs on the CPU: no GPU, or no memory.",
            lambda: (Sample(float(encoder.loaded and encoder.device != device)),),
            metric="kb_embedding_fell_back",
        ),
    )
