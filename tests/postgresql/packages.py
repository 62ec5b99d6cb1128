"""Programs of Debian's packages; a test that needs one fails without it and never skips."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def program(name, package):
    """Return the path of a program, which is installed where that is allowed."""
    places = os.pathsep.join(("/usr/sbin", "/usr/bin", os.defpath))
    if shutil.which(name, path=places) is None and shutil.which("apt-get"):
        as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        words = ["apt-get", "install", "-y", "-qq", "-o", "DPkg::Lock::Timeout=300", package]
        subprocess.run([*as_root, *words], capture_output=True, check=False)
    found = shutil.which(name, path=places)
    if found is None:
        pytest.fail(f"{name} is not installed: `apt-get install {package}` brings it.")
    return found


def debian_binaries():
    """Return the folder of Debian's PostgreSQL, which has the contributed extensions."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.fail("Debian's PostgreSQL is not installed: `apt-get install postgresql`.")
    return found[-1].parent
