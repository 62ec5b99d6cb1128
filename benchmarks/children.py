"""Starts servers that end with the benchmark that started them, also when it is killed."""

import os
import sys
from collections.abc import Sequence

# PR_SET_PDEATHSIG of prctl(2) outlives exec. A parent that ended before the call sends no signal.
_PR_SET_PDEATHSIG = 1
_START = (
    "import ctypes, os, signal, sys; parent, *command = sys.argv[1:]; "
    f"ctypes.CDLL(None).prctl({_PR_SET_PDEATHSIG}, signal.SIGTERM); "
    "os.getppid() == int(parent) or sys.exit(1); os.execvp(command[0], command)"
)


def bound(command: Sequence[object]) -> list[str]:
    """Return a command that runs the given one in the same process, until this process ends.

    It must be started by the main thread: the kernel sends the signal when the starting thread ends.
    """
    return [sys.executable, "-I", "-c", _START, str(os.getpid()), *map(str, command)]
