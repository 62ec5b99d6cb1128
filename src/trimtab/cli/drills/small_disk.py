"""Mounts a small file system for the data directory of drills, for a real full disk."""

import logging
import shutil
import subprocess
from pathlib import Path

_log = logging.getLogger(__name__)
SIZE_MB = 384
"""Model, handbook and databases take about 100 MB."""


class SmallDisk:
    """A size-limited tmpfs at a folder; where mounting is not permitted, the plain folder.

    Args:
        folder: Made here; its parent exists.
        megabytes: The size of the file system.
    """

    def __init__(self, folder: Path, megabytes: int = SIZE_MB) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.problem = _mount(folder, megabytes)
        """Why it is not mounted; empty when it is."""
        if self.problem:
            _log.info("no disk of its own", extra={"reason": self.problem})

    def close(self) -> None:
        """Take the file system away, with everything in it."""
        if not self.problem:
            command = [_program("umount"), "-l", str(self.folder)]
            subprocess.run(command, check=False)  # noqa: S603 - our own mount.


def _mount(folder: Path, megabytes: int) -> str:
    program = _program("mount")
    if not program:
        return "there is no mount program"
    options = f"size={megabytes}m,mode=0700,nosuid,nodev"
    command = [program, "-t", "tmpfs", "-o", options, "trimtab-drills", str(folder)]
    # The command has fixed words and a folder of this process.
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return "" if done.returncode == 0 else (done.stderr.strip() or "mount failed")


def _program(name: str) -> str:
    return shutil.which(name) or ""
