"""Runs a command of `make` and says every five seconds that it still runs.

    python -I -S report_progress.py WHAT COMMAND [ARGUMENT ...]

It is called before anything is installed, so it needs the standard library alone. The command has a temporary folder and a
session of its own: Ctrl-C ends it without a traceback, and nothing of it stays.
"""

import os
import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # No traceback while the rest is imported.

import contextlib
import subprocess
import sys
import tempfile

_SECONDS = 5
_LOOKS_A_SECOND = 10
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(what: str, *command: str) -> None:
    """Run the command to its end and end as it does; a signal ends both."""
    received: list[int] = []
    for each in _SIGNALS:
        signal.signal(each, lambda number, _: received.append(number))
    with tempfile.TemporaryDirectory(prefix="trimtab-make-", ignore_cleanup_errors=True) as folder:
        environment = {**os.environ, "TMPDIR": folder}
        process = subprocess.Popen(command, env=environment, start_new_session=True)
        code = _wait(process, what, received)
    if received:
        # A shell takes an exit code for a failure, and would go on with what is to be done then.
        signal.signal(received[0], signal.SIG_DFL)
        os.kill(os.getpid(), received[0])
    sys.exit(code)


def _wait(process: "subprocess.Popen[bytes]", what: str, received: list[int]) -> int:
    looks = 0
    while not received:
        try:
            return process.wait(1 / _LOOKS_A_SECOND)
        except subprocess.TimeoutExpired:
            looks += 1
        if looks % (_SECONDS * _LOOKS_A_SECOND) == 0:
            sys.stderr.write(f"trimtab: still {what}, {looks // _LOOKS_A_SECOND} s\n")
    with contextlib.suppress(ProcessLookupError):  # It has just ended by itself.
        os.killpg(process.pid, signal.SIGTERM)
    return process.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
