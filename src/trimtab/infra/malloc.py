"""The C library's memory: fewer malloc arenas, and what a piece of work adds to the process."""

import contextlib
import ctypes

import psutil

_M_ARENA_MAX = -8  # glibc's malloc.h
_ARENAS = 2
"""Arenas of the process. glibc's default limit is eight per processor, and each arena keeps freed
memory. The buffers of the embedding model stay allocated on purpose (`knowledge.embedding.native`),
so with short-lived threads every arena ends up with a set of its own. Python runs one thread at a
time, so two arenas cause no contention.
"""


def limit_malloc_arenas() -> None:
    """Limit the malloc arenas before the first thread starts; no effect without glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_ARENA_MAX, _ARENAS)


def settled_resident_bytes() -> int:
    """Return the resident memory, after glibc has given free memory back to the system.

    Otherwise memory that earlier work has freed is given back, or used again, in the middle of a
    measurement, and the difference of two readings is too small. Without glibc it is read as it is.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    return int(psutil.Process().memory_info().rss)
