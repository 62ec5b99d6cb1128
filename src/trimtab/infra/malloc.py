"""Limits the number of malloc arenas of glibc to save memory."""

import ctypes

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
