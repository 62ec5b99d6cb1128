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
