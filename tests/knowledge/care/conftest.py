"""A disk of a few megabytes that can really be filled."""

import os
import subprocess

import pytest


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 30 MB; needs the right to mount, which the user of the CI has."""
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", str(mount)]
    if subprocess.run(command, check=False).returncode != 0:
        pytest.skip("this user may not mount a small disk; the budget tests cover the rest")
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def fill(folder):
    """Write a file until the kernel says that no space is left; return it."""
    file = folder / "ballast"
    with file.open("ab", buffering=0) as stream:
        for size in (65536, 4096, 1):
            try:
                while True:
                    stream.write(os.urandom(size))
            except OSError:
                continue
    return file
