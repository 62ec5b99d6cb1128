"""What a process holds, told from inside: its memory by who manages it, and every container that has a name.

No cache is listed by hand, so that none can be forgotten: containers are found as attributes of living objects, as
globals of modules, and as caches of functions. `counts` is for moments at which nobody works: see
`trimtab.knowledge.maintenance.heap`.
"""

import contextlib
import ctypes
import functools
import gc
import sys
import types
from array import array
from collections import defaultdict, deque
from pathlib import Path
from queue import Queue, SimpleQueue

import cachetools

MB = 2**20
_CONTAINERS = (dict, list, set, deque, array, cachetools.Cache)
_QUEUES = (Queue, SimpleQueue)
_MOST_INSTANCES = 2000
"""Instances of a more frequent type are the content of some container, and counted there."""


class _Mallinfo(ctypes.Structure):
    """glibc's ``struct mallinfo2``."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def memory():
    """Return MB resident, in use and free in C's heaps, and in SQLite; and how many blocks Python has allocated."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    found = {"resident": pages * 4096 / MB, "blocks": sys.getallocatedblocks()}
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallinfo2"):
        libc.mallinfo2.restype = _Mallinfo
        info = libc.mallinfo2()
        found |= {"used": (info.uordblks + info.hblkhd) / MB, "free": info.fordblks / MB}
    try:
        sqlite = ctypes.CDLL("libsqlite3.so.0")
    except OSError:
        return found  # Python was built with a SQLite of its own.
    sqlite.sqlite3_memory_used.restype = ctypes.c_int64
    return found | {"sqlite": sqlite.sqlite3_memory_used() / MB}


def counts():
    """Return the length and the bound of every container by its name; the bound is None where it has none of its own."""
    found, seen, by_type = {}, set(), defaultdict(list)
    for thing in gc.get_objects():
        kind = type(thing)
        if kind is functools._lru_cache_wrapper:
            info = thing.cache_info()
            name = getattr(thing, "__qualname__", "of a connection")
            _note(
                found, f"{getattr(thing, '__module__', '')}.{name}()", info.currsize, info.maxsize
            )
        elif kind is types.ModuleType or kind.__module__ != "builtins":
            by_type[kind].append(thing)
    for kind, things in by_type.items():
        few = len(things) <= _MOST_INSTANCES or kind is types.ModuleType
        for thing in things if few else ():
            owner = f"{kind.__module__}.{kind.__qualname__}"
            owner = thing.__name__ if kind is types.ModuleType else owner
            for name, value in _attributes(thing):
                _note_container(found, seen, f"{owner}.{name}", value)
    return found


def _note_container(found, seen, name, thing):
    kind = type(thing)
    if id(thing) in seen or not issubclass(kind, _CONTAINERS + _QUEUES):
        return
    seen.add(id(thing))
    length = thing.qsize() if issubclass(kind, _QUEUES) else len(thing)
    _note(found, name, length, getattr(thing, "maxlen", None) or getattr(thing, "maxsize", None))


def _note(found, name, length, bound):
    before, allowed = found.get(name, (0, 0))
    found[name] = (before + length, None if bound is None or allowed is None else allowed + bound)


def _attributes(thing):
    """Return what hangs on an object; anything may be alive, also objects that refuse to be looked at."""
    found = []
    with contextlib.suppress(Exception):
        found += vars(thing).items()
    for name in getattr(type(thing), "__slots__", None) or ():
        with contextlib.suppress(Exception):
            found.append((name, object.__getattribute__(thing, name)))
    return found
