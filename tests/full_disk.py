"""A file system of a few megabytes that can really be filled."""

import os
import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def small_file_system(folder, megabytes):
    """Mount a file system of that size at a new folder; needs the right to mount, which CI's user has."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False).returncode != 0:
        pytest.skip("this user may not mount a small disk; the budget tests cover the rest")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    """Write a file until the kernel says that no space is left; return it."""
    file = folder / "ballast"
    with file.open("ab", buffering=0) as stream:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    stream.write(os.urandom(size))
            except OSError:
                continue
    return file
