"""A process with many threads keeps few heaps."""

import subprocess
import sys

import pytest

COUNT = """
import ctypes, sys, threading
from trimtab.infra.malloc import limit_malloc_arenas

if sys.argv[1] == "shared":
    limit_malloc_arenas()
libc = ctypes.CDLL(None)
if not hasattr(libc, "malloc_info"):
    sys.exit(77)
over = threading.Barrier(41)

def work():
    held = ctypes.create_string_buffer(200_000)  # More than Python's own allocator takes on itself.
    over.wait()
    over.wait()
    del held

threads = [threading.Thread(target=work) for _ in range(40)]
for thread in threads:
    thread.start()
over.wait()
libc.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, stream)
libc.fclose(stream)
over.wait()
"""


def heaps(how):
    run = subprocess.run(
        [sys.executable, "-c", COUNT, how], capture_output=True, text=True, check=False
    )
    if run.returncode == 77:
        pytest.skip("This is not glibc.")
    assert run.returncode == 0, run.stderr
    return run.stdout.count("<heap nr=")


def test_forty_threads_share_two_heaps():
    assert heaps("shared") <= 2 < heaps("apart")


FREED = """
import ctypes, sys
import psutil
from trimtab.infra.malloc import settled_resident_bytes

if not hasattr(ctypes.CDLL(None), "malloc_trim"):
    sys.exit(77)
before = settled_resident_bytes()
blocks = [bytes([1]) * 100_000 for _ in range(1000)]
last = bytes([1]) * 100_000  # Above the others, so that their end is not given back by itself.
del blocks
kept = psutil.Process().memory_info().rss - before
print(kept > 80_000_000, settled_resident_bytes() - before < 20_000_000)
"""


def test_memory_that_was_freed_is_not_counted():
    run = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=False)
    if run.returncode == 77:
        pytest.skip("This is not glibc.")
    assert run.stdout.split() == ["True", "True"], run.stderr
