"""Memory and processor time of a process for each role: `python -m benchmarks.measure_roles`."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from benchmarks.children import bound

ROLES = ("all", "gateway", "answers", "knowledge", "embedding", "guardrails", "models", "operator")
HEADER = (
    "| role | resident MB | of it private MB | threads | CPU s of the start | CPU s a minute at rest |"
    "\n|---|---|---|---|---|---|"
)
_SETTLE_SECONDS = 15
_REST_SECONDS = 15
_START_SECONDS = 300


@dataclass(frozen=True, slots=True)
class RoleFigures:
    """What one process takes before it has work."""

    role: str
    resident_mb: float
    private_mb: float
    threads: int
    start_cpu_seconds: float
    rest_cpu_seconds_per_minute: float

    @property
    def row(self) -> str:
        """Return the row of the table."""
        return (
            f"| `{self.role}` | {self.resident_mb:.0f} | {self.private_mb:.0f} | {self.threads}"
            f" | {self.start_cpu_seconds:.1f} | {self.rest_cpu_seconds_per_minute:.1f} |"
        )


def main() -> None:
    """Print a row for each role."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measure_roles")
    parser.add_argument("--roles", nargs="*", default=ROLES)
    parser.add_argument("--set", action="append", default=[], help="a setting, such as NAME=VALUE")
    options = parser.parse_args()
    print(HEADER)
    for role in options.roles:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(role, Path(folder), options.set).row, flush=True)


def measure(
    role: str, folder: Path, settings: Sequence[str] = (), models: Path | None = None
) -> RoleFigures:
    """Start a process with the role, let it settle, and return what it takes.

    Args:
        role: Value of ``service.roles``.
        folder: Where its data directory is made.
        settings: Further settings, each ``name=value``.
        models: The trained models of another start, which are then not trained again.
    """
    command = Path(sys.executable).parent / "trimtab"
    (folder / "data").mkdir(mode=0o700)
    if models is not None:
        (folder / "data" / "models").symlink_to(models)
    given = [word for setting in settings for word in ("--set", setting)]
    words = ["--data-dir", folder / "data", *given, "serve", "--port", "0", "--roles", role]
    process = subprocess.Popen(
        bound([command, *words]), stderr=subprocess.PIPE, text=True, cwd=folder
    )
    try:
        wait_until_it_serves(process)
        time.sleep(_SETTLE_SECONDS)
        watched = psutil.Process(process.pid)
        started = sum(watched.cpu_times()[:2])
        time.sleep(_REST_SECONDS)
        rest = sum(watched.cpu_times()[:2]) - started
        found = watched.memory_full_info()
        return RoleFigures(
            role,
            found.rss / 2**20,
            found.uss / 2**20,
            watched.num_threads(),
            started,
            rest * 60 / _REST_SECONDS,
        )
    finally:
        process.terminate()
        process.communicate(timeout=60)


def wait_until_it_serves(process: "subprocess.Popen[str]") -> None:
    """Return when the process says that it serves."""
    until, said = time.monotonic() + _START_SECONDS, ""
    assert process.stderr is not None
    while time.monotonic() < until:
        line = process.stderr.readline()
        said += line
        if "Console:" in line:
            return
        if not line:
            break
    raise RuntimeError(said)


if __name__ == "__main__":
    main()
