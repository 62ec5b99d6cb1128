"""Child processes that end with their parent, even when it is killed.

A parent-death signal of Linux would be simpler, but it is sent when the starting *thread* ends, and
drills start their servers in threads that end soon. A second process watches instead; see
`child_watcher`.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from trimtab.infra import child_watcher

_WAIT_SECONDS = 30.0


class Watcher:
    """Kills a process when this one ends.

    Args:
        pid: A child of this process, or another process whose id stays valid until `close`.
    """

    def __init__(self, pid: int) -> None:
        # Own session, or Ctrl-C would end it too early; own folder, or the current one could not be
        # unmounted.
        self._process = subprocess.Popen(  # noqa: S603 - our own file, run by this interpreter.
            [sys.executable, "-I", "-S", str(Path(child_watcher.__file__)), str(pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def close(self) -> None:
        """Stop watching without killing the process. May be called twice."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(_WAIT_SECONDS)
        if self._process.stdin is not None:
            self._process.stdin.close()


class ChildProcess:
    """A running child that ends with this process.

    Args:
        command: The program and its arguments.
        options: Arguments of `subprocess.Popen`.

    Attributes:
        process: The child.
    """

    def __init__(self, command: list[str], **options: Any) -> None:
        # The caller chooses the command; no shell is used.
        self.process: subprocess.Popen[Any] = subprocess.Popen(command, **options)  # noqa: S603
        try:
            self._watcher = Watcher(self.process.pid)
        except BaseException:
            self.process.kill()
            self.process.wait(_WAIT_SECONDS)
            raise

    def kill(self) -> None:
        """Kill the child and wait until it has ended. May be called twice."""
        self.process.kill()
        # Before the wait: after it the system may reuse the child's process id.
        self._watcher.close()
        self.process.wait(_WAIT_SECONDS)
