"""Child processes that do not outlive the process that has started them, also when it is killed.

A parent-death signal of Linux would be simpler, but it is sent when the starting *thread* ends, and drills start their
servers in threads that end soon. A second process watches instead; see `child_watcher`.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from trimtab.infra import child_watcher

_WAIT_SECONDS = 30.0


class Watcher:
    """Kills a process as soon as this one is gone.

    Args:
        pid: A child of this process, or another one whose number stays the same until `close`.
    """

    def __init__(self, pid: int) -> None:
        # Its own session and folder: Ctrl-C ends it too early, and its folder could not be unmounted.
        self._process = subprocess.Popen(  # noqa: S603 - our own file, run by this interpreter.
            [sys.executable, "-I", "-S", str(Path(child_watcher.__file__)), str(pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def close(self) -> None:
        """Stop watching and leave the process alone. May be called twice."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(_WAIT_SECONDS)
        if self._process.stdin is not None:
            self._process.stdin.close()


class ChildProcess:
    """A running child that ends with this process.

    Args:
        command: The program and its arguments.
        options: Those of `subprocess.Popen`.

    Attributes:
        process: The child.
    """

    def __init__(self, command: list[str], **options: Any) -> None:
        self.process: subprocess.Popen[Any] = subprocess.Popen(command, **options)  # noqa: S603 - the caller's.
        try:
            self._watcher = Watcher(self.process.pid)
        except BaseException:
            self.process.kill()
            self.process.wait(_WAIT_SECONDS)
            raise

    def kill(self) -> None:
        """Kill the child and wait for its end. May be called twice."""
        self.process.kill()
        # Before the wait: after it the child's number may be given to another process.
        self._watcher.close()
        self.process.wait(_WAIT_SECONDS)
