"""Runs an encoder on the CPU or on a GPU, and on the CPU when the GPU has no memory left."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import ctranslate2

_log = logging.getLogger(__name__)
T = TypeVar("T")

Device = Literal["cpu", "cuda"]
CPU_TOKENS, GPU_TOKENS = 256, 8192
"""Padded tokens in one forward pass. On the CPU 512 cost 3 to 10 % more time per token, as they
need more padding and their states leave the cache; below 128 the matrix products get too small. A
GPU needs many more to be busy."""
_NO_MEMORY = ("out of memory", "alloc_failed", "memory_allocation", "failed to allocate")
_NO_GPU = ("cuda", "cublas", "unsupported device")

OpenEncoder = Callable[[Path, Device, int], ctranslate2.Encoder]


def open_encoder(model_dir: Path, device: Device, threads: int) -> ctranslate2.Encoder:
    """Load a converted encoder; raises `RuntimeError` or `ValueError` where that fails.

    Args:
        model_dir: The folder of the converted model.
        device: Where it runs.
        threads: The number of workers on the CPU.
    """
    workers = threads if device == "cpu" else 1
    return ctranslate2.Encoder(
        str(model_dir),
        device=device,
        compute_type="int8",
        inter_threads=workers,
        intra_threads=1,
    )


class EncoderOnDevice:
    """An encoder that moves to the CPU for good when its GPU is missing or full.

    Args:
        model_dir: The folder of the converted model.
        device: Where it should run.
        threads: The number of workers on the CPU.
        open_on: Loads it.
    """

    def __init__(
        self,
        model_dir: Path,
        device: Device,
        threads: int,
        open_on: OpenEncoder = open_encoder,
    ) -> None:
        self._open_on: Callable[[Device], ctranslate2.Encoder] = lambda target: open_on(
            model_dir, target, threads
        )
        self._moving = threading.Lock()
        self.device: Device = device
        """Where it runs now."""
        self._encoder: ctranslate2.Encoder | None = self._open(device)

    @property
    def token_budget(self) -> int:
        """Padded tokens in one forward pass."""
        return CPU_TOKENS if self.device == "cpu" else GPU_TOKENS

    @property
    def closed(self) -> bool:
        """Return whether it was closed."""
        return self._encoder is None

    def run(self, work: Callable[[ctranslate2.Encoder], T]) -> T:
        """Return what the work makes of the encoder; a full GPU moves it to the CPU first.

        Raises:
            RuntimeError: The work failed otherwise, or the encoder is closed.
        """
        encoder, device = self._encoder, self.device
        if encoder is None:
            raise RuntimeError("the encoder is closed")
        try:
            return work(encoder)
        except RuntimeError as error:
            if device == "cpu" or not is_memory_exhausted(error):
                raise
            self._move_to_cpu(str(error))
        moved = self._encoder
        if moved is None:
            raise RuntimeError("the encoder is closed")
        return work(moved)

    def close(self) -> None:
        """Free the model. May be called twice."""
        with self._moving:
            self._encoder = None

    def _open(self, device: Device) -> ctranslate2.Encoder:
        if device == "cpu":
            return self._open_on("cpu")
        try:
            return self._open_on(device)
        except (RuntimeError, ValueError) as error:
            if not any(mark in str(error).lower() for mark in (*_NO_GPU, *_NO_MEMORY)):
                raise
            _log.warning(
                "embedding_model runs on the CPU: the GPU cannot be used",
                extra={"reason": str(error)[:300]},
            )
            self.device = "cpu"
            return self._open_on("cpu")

    def _move_to_cpu(self, reason: str) -> None:
        with self._moving:
            if self.device == "cpu" or self._encoder is None:
                return  # Another thread has moved it, or it was closed.
            _log.warning(
                "embedding_model moves to the CPU: the GPU has no memory left",
                extra={"reason": reason[:300]},
            )
            self._encoder, self.device = self._open_on("cpu"), "cpu"


def is_memory_exhausted(error: BaseException) -> bool:
    """Return whether the error says that the GPU's memory is exhausted."""
    text = str(error).lower()
    return any(mark in text for mark in _NO_MEMORY)
