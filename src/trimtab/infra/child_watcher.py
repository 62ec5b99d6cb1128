"""Program that kills a process when its standard input ends.

Usage: ``python child_watcher.py PID``. The parent holds the other end of the pipe; the system
closes it however the parent ends, also by ``kill -9``. Only the standard library is imported, for a
fast start.
"""

import os
import signal
import sys


def main() -> None:
    """Wait for the end of standard input, then kill the process."""
    pid = int(sys.argv[1])
    try:
        # The handle stays bound to this process even if its id is reused.
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):
        handle = -1  # Not Linux, or a kernel before 5.3.
    sys.stdin.buffer.read()
    try:
        if handle >= 0:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    main()
