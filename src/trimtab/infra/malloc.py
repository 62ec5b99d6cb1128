"""How many separate heaps glibc may keep for the threads of this process."""

import ctypes

_M_ARENA_MAX = -8  # glibc's malloc.h
_ARENAS = 2
"""glibc's own bound is eight for each processor. Each keeps what was freed in it, and the buffers that the embedding
model frees are kept on purpose (`knowledge.embedding.native`), so with threads that come and go every arena ends up with
a set of its own. Python lets one thread compute at a time; two heaps do not make the others wait."""


def share_arenas() -> None:
    """Let all threads share a few heaps; called before the first of them starts. Does nothing but on glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_ARENA_MAX, _ARENAS)
