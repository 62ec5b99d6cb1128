"""A pytest session that collects tests once and runs some of them in a forked child for each mutant.

Nothing runs in the session itself: fixtures of every scope are set up in the child, after the change.
"""

import contextlib
import gc
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tests.mutation.bodies import Calls, Change, LiveFunctions

FRESH = "fresh"
"""The answer to a change that must be imported afresh."""


class Opened:
    """Notes which files are opened below a folder while tests are collected."""

    def __init__(self, folder: Path) -> None:
        self._folder = f"{folder}/"
        self.paths: set[str] = set()
        self._listening = True
        sys.addaudithook(self._heard)

    def stop(self) -> None:
        """Stop listening; a hook cannot be taken away."""
        self._listening = False

    def _heard(self, event: str, arguments: tuple) -> None:
        if not self._listening or event != "open":
            return
        if isinstance(arguments[0], str | os.PathLike):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if path.startswith(self._folder):
                self.paths.add(path)


class Session:
    """Pytest plugin: answers requests of one line of JSON each instead of running the tests that were collected."""

    def __init__(self, folder: Path, requests: IO[str], answers: IO[str]) -> None:
        self._folder, self._requests, self._answers = folder, requests, answers
        self._calls, self._opened = Calls(folder), Opened(folder)
        self._calls.start()

    def pytest_runtestloop(self, session):
        # Heard as calls: a change to what runs here is imported afresh.
        record_migrations()
        self._calls.stop()
        self._opened.stop()
        items = {item.nodeid: item for item in session.items}
        live = LiveFunctions(self._folder / "src", self._calls.places)
        gc.collect()
        gc.freeze()
        # A lock that another thread holds at the fork would stay locked in the child.
        usable = threading.active_count() == 1 and not session.testsfailed
        self._answer({"tests": len(items) if usable else 0})
        for line in self._requests:
            request = json.loads(line)
            change = self._change(live, request)
            if change is None or not set(request["tests"]) <= set(items):
                self._answer({"outcome": FRESH})
            else:
                chosen = [items[name] for name in request["tests"]]
                self._answer(try_change(session, chosen, change, request))
        return True

    def _change(self, live: LiveFunctions, request: dict) -> Change | None:
        if not request.get("file"):
            return Change()
        path = self._folder / request["file"]
        if path.suffix != ".py":
            return None if os.path.realpath(path) in self._opened.paths else Change()
        return live.change(path, request["original"], request["content"])

    def _answer(self, answer: dict) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()


def record_migrations() -> None:
    """Run the migrations of each chain once, so that children repeat their statements without Alembic."""
    names = ("tests.schemas", "trimtab.infra.storage.migrate", "sqlalchemy")
    schemas, migrate, sa = map(sys.modules.get, names)
    if schemas is None or migrate is None or sa is None:
        return
    schemas.install()
    for folder in migrate.MIGRATIONS.iterdir():
        engine = sa.create_engine("sqlite://")
        # A chain that needs a database of trimtab's own is left to the children.
        with contextlib.suppress(sa.exc.SQLAlchemyError), engine.begin() as connection:
            if any(folder.glob(f"{folder.name}_*.py")):
                migrate.upgrade(connection, folder.name)
        engine.dispose()


def try_change(session, items: Sequence, change: Change, request: dict) -> dict:
    """Run tests in a child with the change, and return the outcome with the test that noticed it."""
    started = time.monotonic()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _run(session, items, change, write)
    os.close(write)
    with contextlib.closing(os.fdopen(read, "rb", buffering=0)) as begun:
        code, count = wait_for_child(child, begun.fileno(), request["limits"])
    end_group(child)
    outcome = outcome_of(code)
    by = request["tests"][count - 1] if outcome in {"killed", "timeout"} and count else ""
    return {"outcome": outcome, "seconds": round(time.monotonic() - started, 2), "by": by}


def outcome_of(code: int | None) -> str:
    """Return what pytest's exit code, or none in time, says of a mutant."""
    return "timeout" if code is None else {0: "survived", 5: "error"}.get(code, "killed")


def end_group(child: int) -> None:
    """End what a child left running: servers that a test started and could not stop."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def wait_for_child(
    child: int, begun: int | None, limits: Sequence[float]
) -> tuple[int | None, int]:
    """Wait until a child ends or one of its tests takes too long; return its exit code and how many tests began.

    A child writes a byte to ``begun`` when a test begins; without it, the first limit is for all tests.
    """
    ended = os.pidfd_open(child)
    waiting = [ended] if begun is None else [ended, begun]
    count, deadline = 0, time.monotonic() + limits[0]
    while ready := select.select(waiting, [], [], max(0.0, deadline - time.monotonic()))[0]:
        if begun not in ready:
            break
        more = len(os.read(begun, 4096))
        if not more:
            waiting.remove(begun)
        count += more
        deadline = time.monotonic() + limits[max(0, min(count, len(limits)) - 1)]
    os.close(ended)
    if not ready:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return (os.waitstatus_to_exitcode(status) if ready else None), count


def _run(session, items: Sequence, change: Change, begun: int) -> None:
    """Change the functions, run the tests and end this process with pytest's exit code."""
    code = 3
    try:
        os.setsid()
        sys.dont_write_bytecode = True  # That of the file as it stands is kept.
        _own_capture(session.config)
        change.apply()
        for item, following in zip(items, [*items[1:], None], strict=True):
            os.write(begun, b".")
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail or session.shouldstop:
                break
        code = 1 if session.testsfailed else 0
        session.config.hook.pytest_sessionfinish(session=session, exitstatus=code)
    finally:
        os._exit(code)


def _own_capture(config) -> None:
    """Give a child files of its own for what tests print: forked ones share their position with the session's."""
    manager = config.pluginmanager.getplugin("capturemanager")
    manager.stop_global_capturing()
    manager.start_global_capturing()
