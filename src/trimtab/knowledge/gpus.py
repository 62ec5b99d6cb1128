"""Signals of graphics processors, and of the embedding model on them; no GPU is a value too."""

import math
import shutil
from collections.abc import Callable, Iterable

from trimtab.infra.gpu import Gpu, GpuMonitor
from trimtab.kernel.operable import Sample, Signal
from trimtab.kernel.tasks import ScheduledTask
from trimtab.knowledge.encoder import Encoder

_EVERY_SECONDS = 15.0


def scheduled_look(monitor: GpuMonitor) -> tuple[ScheduledTask, ...]:
    """Return the regular look at the processors; none where the driver is not installed."""
    if shutil.which("nvidia-smi") is None:
        return ()
    return (
        ScheduledTask(
            "look at the graphics processors", _EVERY_SECONDS, monitor.refresh, each_process=True
        ),
    )


def gpu_signals(monitor: GpuMonitor, encoder: Encoder, device: str) -> tuple[Signal, ...]:
    """Return the signals of the processors and of the model on them.

    Args:
        monitor: Tells memory and utilisation.
        encoder: The standard model.
        device: Where the settings want it.
    """

    def of_each(value: Callable[[Gpu], float]) -> Callable[[], Iterable[Sample]]:
        return lambda: [Sample(value(gpu), {"gpu": gpu.index}) for gpu in monitor.report.gpus]

    return (
        Signal(
            "knowledge.gpu.count",
            "1",
            "Graphics processors of this machine; 0 means that it has none.",
            lambda: (Sample(float(len(monitor.report.gpus))),),
            metric="kb_gpu_count",
        ),
        Signal(
            "knowledge.gpu.memory_used_ratio",
            "ratio",
            "Share of a graphics processor's memory in use, by all programs; absent without one.",
            of_each(_memory_used),
            labels=("gpu",),
            metric="kb_gpu_memory_used_ratio",
        ),
        Signal(
            "knowledge.gpu.utilization",
            "ratio",
            "Share of the time in which a graphics processor works; absent without one.",
            of_each(lambda gpu: gpu.utilisation),
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


def _memory_used(gpu: Gpu) -> float:
    """Return the share of its memory in use; NaN where the driver does not say."""
    return gpu.memory_bytes / gpu.memory_total_bytes if gpu.memory_total_bytes else math.nan
