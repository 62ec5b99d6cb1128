"""A process in a copy of the tree that forks a child for each mutant, so that nothing is imported twice.

It imports the packages that trimtab stands on, and the modules of trimtab that never import what is changed
(``imports.py``). A change inside functions is tried in a child of a session that has imported all of trimtab and
collected the tests (``session.py``); for any other change, or for a session that cannot be used, a child of this
process imports the changed code afresh.
"""

import itertools
import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import IO

from tests.mutation.domains import source_files
from tests.mutation.imports import independent
from tests.mutation.session import FRESH, Opened, Session, end_group, outcome_of, wait_for_child

SOURCE = "src/trimtab/"
TEMPORARY = Path("t")
"""The copy's temporary folder."""
FEW = 2
"""So many test files are imported at first."""
MANY = 40
"""So many tests are looked up in them."""
NOT_FOUND = 4
"""Exit code of pytest when a test that it was asked for is not there."""
FAILED = Path("failed.txt")
"""Name of the test that failed in a child."""
OPTIONS = [
    "-q", "--no-header", "--tb=line", "-n", "0", "-p", "no:randomly", "-p", "no:cacheprovider",
    "-p", "tests.mutation.profile", "-W", "ignore::pytest.PytestAssertRewriteWarning",
    # It imports its writers of reports at the end of each child.
    "-p", "no:schemathesis-xdist",
]  # fmt: skip


def _imported_by_tests() -> list[str]:
    """Return the modules that a child ends up with; looked up in a child."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        # The package imports Alembic late, and so each child would.
        import alembic.context  # noqa: F401
        import pytest

        import trimtab.app.application
        import trimtab.cli.main  # noqa: F401

        pytest.main([*OPTIONS, "--collect-only", "tests/contract"])
        names = [n for n in sys.modules if n.split(".")[0] not in {"tests", "__main__"}]
        os.write(write, json.dumps(names).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else []


def preload(domain: str) -> None:
    """Import what every child needs and no change of the domain concerns; without a domain, pytest only."""
    import hypothesis  # noqa: F401
    import pytest  # noqa: F401

    if not domain:
        return
    names, changed = _imported_by_tests(), source_files(domain)
    usable = set(independent(Path(SOURCE), changed))
    opened = Opened(Path.cwd())
    for name in names:
        if name.split(".")[0] == "trimtab" and name not in usable:
            continue
        try:
            __import__(name)
        except Exception:  # noqa: BLE001 - what cannot be imported alone is imported by the child.
            continue
    opened.stop()
    strange = {name for name in sys.modules if name.split(".")[0] == "trimtab"} - usable
    strange |= {file for file in changed if os.path.realpath(file) in opened.paths}
    if strange:
        raise SystemExit(f"used before its change: {', '.join(sorted(strange))}")


def run_child(tests: list[str], limit: float) -> dict:
    """Run tests in a child: killed (a test failed), survived, timeout, or error (nothing ran).

    A test that failed is named by ``by``. A change of a value that names cases of a test is shown to all of its cases:
    that a case has another name is no failure.
    """
    started = time.monotonic()
    code = _exit_code(tests, limit)
    if code == NOT_FOUND and any("[" in name for name in tests):
        code = _exit_code(list(dict.fromkeys(name.partition("[")[0] for name in tests)), limit)
    by = FAILED.read_text() if FAILED.exists() else ""
    taken = round(time.monotonic() - started, 2)
    return {"outcome": outcome_of(code), "seconds": taken, "by": by, "way": FRESH}


def _exit_code(tests: list[str], limit: float) -> int | None:
    """Return pytest's exit code of a child that runs tests, or None when it takes too long."""
    FAILED.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _run(tests)
    code, _ = wait_for_child(child, None, [limit])
    end_group(child)
    return code


def run_fresh(tests: list[str], limit: float) -> dict:
    """Run the first tests in a child, and the others in another one when those notice nothing.

    A child imports all of its test files before the first test runs: few, for most changes.
    """
    files = list(dict.fromkeys(name.partition("::")[0] for name in tests))[:FEW]
    first = [name for name in tests if name.partition("::")[0] in files][:MANY]
    rest = [name for name in tests if name not in set(first)]
    answer = run_child(first, limit)
    if answer["outcome"] not in {"survived", "error"} or not rest:
        return answer
    again = run_child(rest, limit)
    again["seconds"] = round(answer["seconds"] + again["seconds"], 2)
    return again if again["outcome"] != "error" else answer


def _be_quiet() -> None:
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(quiet, descriptor)


def _run(tests: list[str]) -> None:
    _be_quiet()
    import pytest

    from tests.mutation.profile import FirstFailure

    os._exit(int(pytest.main([*OPTIONS, "-x", *tests], [FirstFailure(FAILED.absolute())])))


class Shared:
    """The session of some test files, in a child that answers requests until it is closed."""

    def __init__(self, files: list[str]) -> None:
        self.files = files
        read, self._asks = _pipe()
        self._answers, write = _pipe()
        self._child = os.fork()
        if self._child == 0:
            self._asks.close()
            self._answers.close()
            _serve(files, read, write)
        read.close()
        write.close()
        self.usable = bool(self._read().get("tests"))
        if not self.usable:
            sys.stderr.write("The tests cannot share a session: each change is imported afresh.\n")

    def ask(self, request: dict) -> dict:
        """Return the session's answer; one that has ended has none, and the change is imported afresh."""
        if self.usable:
            self._asks.write(json.dumps(request) + "\n")
            self._asks.flush()
        return self._read() if self.usable else {"outcome": FRESH}

    def close(self) -> None:
        """End the session."""
        self._asks.close()
        self._answers.close()
        os.waitpid(self._child, 0)

    def _read(self) -> dict:
        line = self._answers.readline()
        self.usable = bool(line)
        return json.loads(line) if line else {"outcome": FRESH}


def _pipe() -> tuple[IO[str], IO[str]]:
    read, write = os.pipe()
    return os.fdopen(read), os.fdopen(write, "w")


def _serve(files: list[str], requests: IO[str], answers: IO[str]) -> None:
    _be_quiet()
    import pytest

    # Children that import the tests afresh find them compiled.
    sys.dont_write_bytecode = False
    session = Session(Path.cwd(), requests, answers)
    os._exit(int(pytest.main([*OPTIONS, "-x", *files], [session])))


def _answer(answer: dict) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


class Trials:
    """Writes each change into the copy, tries it and takes it back."""

    def __init__(self) -> None:
        self._shared: Shared | None = None
        self._times = itertools.count(1)
        self._passing: dict[tuple[str, str], bool] = {}
        self._kept = set(TEMPORARY.iterdir())

    def answer(self, request: dict) -> dict:
        """Return the outcome of a request, with the way it was tried.

        A test that fails without the change, too, says nothing: the others are asked again without it.
        """
        if request.get("session"):
            self._start(request["session"])
        answer = self._try(request)
        while (
            answer["outcome"] == "killed"
            and (by := answer.get("by")) in request["tests"]
            and request.get("file")
            and not self._passes(by, request, answer["way"])
        ):
            kept = [at for at, name in enumerate(request["tests"]) if name != by]
            if not kept:
                return answer | {"outcome": "error"}
            named = ("tests", "limits")
            request |= {key: [request[key][at] for at in kept] for key in named}
            answer = self._try(request)
        return answer

    def close(self) -> None:
        """End the session, if there is one."""
        if self._shared:
            self._shared.close()

    def _passes(self, test: str, request: dict, way: str) -> bool:
        """Tell whether a test passes alone and without a change; asked once for each test and way."""
        if (test, way) not in self._passing:
            plain = request | {"file": "", "tests": [test], "limits": [request["limit"]]}
            if way == FRESH:
                plain["session"] = []
            self._passing[test, way] = self._outcome(plain)["outcome"] == "survived"
        return self._passing[test, way]

    def _try(self, request: dict) -> dict:
        if not request.get("file"):
            return self._outcome(request)
        path = Path(request["file"])
        original, times = path.read_bytes(), path.stat()
        try:
            path.write_bytes(request["content"].encode())
            # A second of its own for each change: else Python would take the bytecode of the one before.
            later = times.st_mtime_ns + next(self._times) * 10**9
            os.utime(path, ns=(later, later))
            return self._outcome(request | {"original": original.decode()})
        finally:
            path.write_bytes(original)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def _outcome(self, request: dict) -> dict:
        try:
            if request.get("session"):
                answer = self._shared.ask(request)
                if answer["outcome"] != FRESH:
                    return answer | {"way": "session"}
            return run_fresh(request["tests"], request["limit"])
        finally:
            self._empty()

    def _start(self, files: list[str]) -> None:
        """Start the session of some test files before anything is changed."""
        if self._shared is None or self._shared.files != files:
            self.close()
            self._shared = Shared(files)
            self._passing.clear()
            self._kept |= set(TEMPORARY.iterdir())

    def _empty(self) -> None:
        """Delete what tests left in the temporary folder: pytest searches it at each start."""
        for path in set(TEMPORARY.iterdir()) - self._kept:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def main() -> None:
    """Answer requests of one line of JSON each until standard input ends."""
    sys.dont_write_bytecode = True
    preload(sys.argv[1] if len(sys.argv) > 1 else "")
    _answer({"threads": threading.active_count()})
    trials = Trials()
    for line in sys.stdin:
        _answer(trials.answer(json.loads(line)))
    trials.close()


if __name__ == "__main__":
    main()
