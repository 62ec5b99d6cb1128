"""Memory of a process for each role, after its start: `python -m benchmarks.measure_roles`."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROLES = ("all", "gateway", "answers", "knowledge", "embedding", "guardrails", "models", "operator")
_SETTLE_SECONDS = 15
_START_SECONDS = 180


def main() -> None:
    """Print a row for each role."""
    print("| role | resident MB | of it private MB | threads |\n|---|---|---|---|")
    for role in ROLES:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(role, Path(folder)), flush=True)


def measure(role: str, folder: Path) -> str:
    """Start a process with the role, and return its row."""
    command = Path(sys.executable).parent / "trimtab"
    words = ["--data-dir", str(folder / "data"), "serve", "--port", "0", "--roles", role]
    process = subprocess.Popen([command, *words], stderr=subprocess.PIPE, text=True, cwd=folder)
    try:
        wait_until_it_serves(process)
        time.sleep(_SETTLE_SECONDS)
        watched = psutil.Process(process.pid)
        found = watched.memory_full_info()
        resident, private = found.rss / 2**20, found.uss / 2**20
        return f"| `{role}` | {resident:.0f} | {private:.0f} | {watched.num_threads()} |"
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
