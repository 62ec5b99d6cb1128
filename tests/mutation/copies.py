"""Copies of the tree that mutants are written into, with the recording of their tests."""

import compileall
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutation.domains import COPIED, ROOT, helper_files, helpers_of, source_files
from tests.mutation.record import LINES, OUTPUT

CACHE = ROOT / ".venv" / "mutation"
"""Recordings and results: beside the environment, so that the working tree is left as it is."""


def make_copy() -> Path:
    """Copy what tests need into a folder with a short path, because sockets lie below it."""
    folder = Path(tempfile.mkdtemp(prefix="mut-"))
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            # The package keeps its bytecode: to compile all of it takes a quarter of a minute.
            left_out = shutil.ignore_patterns("__pycache__") if name != "src" else None
            shutil.copytree(source, folder / name, ignore=left_out)
        elif source.is_file():
            shutil.copy2(source, folder / name)
    # Processes that tests start import the copy: without bytecode, each would compile it.
    compileall.compile_dir(folder / "src", quiet=2)
    (folder / "t").mkdir()
    return folder


def environment(copy: Path, **added: str) -> dict[str, str]:
    """Return the environment of a process that imports from the copy."""
    given = dict(os.environ)  # noqa: TID251 - a child of the test run inherits its environment.
    # Options for the run that asks, such as `--contract`, are none of a run in a copy.
    given.pop("PYTEST_ADDOPTS", None)
    fetched = ROOT / ".venv" / "prometheus" / "usr" / "bin"
    return given | {
        # Each copy would otherwise fetch Prometheus for itself.
        "PATH": f"{given.get('PATH', '')}{os.pathsep}{fetched}",
        "PYTHONPATH": f"{copy / 'src'}{os.pathsep}{copy}",
        "TMPDIR": str(copy / "t"),
        "OMP_NUM_THREADS": "1",
        **added,
    }


def digest(paths: list[str], root: Path = ROOT) -> str:
    """Return a digest of files' names and contents."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.encode() + b"\0" + (root / path).read_bytes() + b"\0")
    return total.hexdigest()[:16]


def record(domain: str, tests: list[str], copy: Path) -> Path:
    """Run the domain's test files that changed since they were recorded under coverage; return all recordings as one.

    A recording of a test file holds while what it ran and what it is made of are the same.
    """
    helpers = helper_files()
    parts = {name: CACHE / f"record-{domain}-{digest([name])}.json" for name in tests}
    missing = [name for name, part in parts.items() if not _is_current(part, name, helpers)]
    whole = CACHE / f"record-{domain}.json"
    if missing:
        CACHE.mkdir(parents=True, exist_ok=True)
        _record(domain, missing, copy, whole)
        _split(whole, {name: parts[name] for name in missing})
        for name in missing:
            _mark(parts[name], name, helper_files(copy), copy)
    for old in set(CACHE.glob(f"record-{domain}-*")) - set(parts.values()):
        old.unlink()
    _join(list(parts.values()), whole)
    return whole


def _is_current(part: Path, test: str, helpers: list[str]) -> bool:
    """Tell whether the code that a test file ran, and its helpers, are as they were when it was recorded."""
    if not part.exists():
        return False
    recorded = json.loads(part.read_text())
    return recorded["of"] == _ground(test, recorded["lines"], helpers, ROOT)


def _mark(part: Path, test: str, helpers: list[str], copy: Path) -> None:
    """Write down what a recording holds for: files of the copy, because those of the tree may change meanwhile."""
    recorded = json.loads(part.read_text())
    recorded["of"] = _ground(test, recorded["lines"], helpers, copy)
    part.write_text(json.dumps(recorded))


def _ground(test: str, lines: dict[str, dict], helpers: list[str], root: Path) -> str:
    ran = [file for file, by_line in lines.items() if by_line]
    paths = (*ran, *helpers_of(test, helpers, root))
    return digest([path for path in paths if (root / path).is_file()], root)


def _record(domain: str, tests: list[str], copy: Path, file: Path) -> None:
    file.unlink(missing_ok=True)
    arguments = ["-q", "-n", "0", "-p", "no:randomly", "-p", "tests.mutation.record"]
    arguments += ["-p", "no:cacheprovider", "--timeout=300"]
    wanted = {OUTPUT: str(file)}
    if any(name.endswith(".py") for name in source_files(domain)):
        wanted[LINES] = "yes"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, *tests],
        cwd=copy, env=environment(copy, **wanted), check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    file.with_suffix(".coverage").unlink(missing_ok=True)
    if not file.exists() or done.returncode not in (0, 1):
        file.unlink(missing_ok=True)
        raise SystemExit(f"The tests of {domain} could not be recorded:\n{done.stdout[-3000:]}")
    for name, test in json.loads(file.read_text())["tests"].items():
        if not test["passed"]:
            sys.stderr.write(f"left out, because it fails or is skipped without a change: {name}\n")


def _split(whole: Path, parts: dict[str, Path]) -> None:
    """Write what was recorded of each test file into a file of its own."""
    recorded = json.loads(whole.read_text())
    for name, part in parts.items():
        own = {test for test in recorded["tests"] if test.partition("::")[0] == name}
        lines = {
            file: {line: kept for line, names in by_line.items() if (kept := [n for n in names if n in own])}
            for file, by_line in recorded["lines"].items()
        }  # fmt: skip
        tests = {test: recorded["tests"][test] for test in recorded["tests"] if test in own}
        part.write_text(json.dumps({"tests": tests, "lines": lines}))


def _join(parts: list[Path], whole: Path) -> None:
    tests: dict[str, dict] = {}
    lines: dict[str, dict[str, list[str]]] = {}
    for part in parts:
        recorded = json.loads(part.read_text())
        tests |= recorded["tests"]
        for file, by_line in recorded["lines"].items():
            for line, names in by_line.items():
                lines.setdefault(file, {}).setdefault(line, []).extend(names)
            lines.setdefault(file, {})
    whole.write_text(json.dumps({"tests": tests, "lines": lines}))


class Worker:
    """A worker process in a copy; it answers one request at a time.

    Args:
        copy: The folder that it works in.
        domain: The domain whose files are changed; without one, less is imported before the changes.
    """

    def __init__(self, copy: Path, domain: str = "") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutation.worker", *([domain] if domain else [])],
            cwd=copy,
            env=environment(copy),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        if not self._process.stdout.readline():
            raise SystemExit("A worker could not start: run make dev.")

    def ask(self, request: dict) -> dict:
        """Send a request and wait for its answer."""
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """Let the worker end."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
