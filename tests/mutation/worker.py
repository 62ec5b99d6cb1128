"""A process in a copy of the tree that forks a child for each mutant, so that nothing is imported twice.

It imports the packages that trimtab stands on, never trimtab itself: each child imports the changed code afresh.
"""

import contextlib
import json
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path

OPTIONS = [
    "-q", "--no-header", "--tb=line", "-n", "0", "-p", "no:randomly", "-p", "no:cacheprovider",
    "-p", "tests.mutation.profile", "-W", "ignore::pytest.PytestAssertRewriteWarning",
]  # fmt: skip


def _third_party() -> list[str]:
    """Return the modules that a child ends up with beside our own; looked up in a child."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        import pytest

        import trimtab.app.compose
        import trimtab.cli.main  # noqa: F401

        pytest.main([*OPTIONS, "--collect-only", "tests/contract"])
        names = [n for n in sys.modules if n.split(".")[0] not in {"trimtab", "tests", "__main__"}]
        os.write(write, json.dumps(names).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else []


def preload() -> None:
    """Import what every child needs."""
    import hypothesis  # noqa: F401
    import pytest  # noqa: F401

    for name in _third_party():
        try:
            __import__(name)
        except Exception:  # noqa: BLE001 - what cannot be imported alone is imported by the child.
            continue


def run_child(tests: list[str], limit: float, failed: str = "") -> tuple[str, float]:
    """Run tests in a child: killed (a test failed), survived, timeout, or error (nothing ran).

    With ``failed``, a file, all tests run and the names of those that fail are written to it.
    """
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _run(tests, failed)
    code = _wait(child, limit)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # Servers that a test started and could not stop.
    taken = round(time.monotonic() - started, 2)
    if code is None:
        return "timeout", taken
    return {0: "survived", 5: "error"}.get(code, "killed"), taken


def _run(tests: list[str], failed: str) -> None:
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(quiet, descriptor)
    import pytest

    from tests.mutation.profile import Failures

    plugins = [Failures(Path(failed))] if failed else []
    os._exit(int(pytest.main([*OPTIONS, *([] if failed else ["-x"]), *tests], plugins)))


def _wait(child: int, limit: float) -> int | None:
    descriptor = os.pidfd_open(child)
    try:
        ready, _, _ = select.select([descriptor], [], [], limit)
    finally:
        os.close(descriptor)
    if not ready:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if ready else None


def _answer(answer: dict) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _try_change(request: dict) -> dict:
    path = Path(request["file"])
    original, times = path.read_bytes(), path.stat()
    try:
        path.write_bytes(request["content"].encode())
        outcome, seconds = run_child(request["tests"], request["limit"])
    finally:
        path.write_bytes(original)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    return {"outcome": outcome, "seconds": seconds}


def main() -> None:
    """Answer requests of one line of JSON each until standard input ends."""
    sys.dont_write_bytecode = True
    preload()
    _answer({"threads": threading.active_count()})
    for line in sys.stdin:
        request = json.loads(line)
        if "failed" in request:
            run_child(request["tests"], request["limit"], request["failed"])
            _answer({})
        else:
            _answer(_try_change(request))


if __name__ == "__main__":
    main()
