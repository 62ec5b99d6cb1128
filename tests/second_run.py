"""Run again, each alone, the few tests that failed.

One unreliable test must not hide what thousands of others prove; it is named, so that it can be repaired.
"""

import json
import subprocess
import sys
from pathlib import Path

MOST = 3
"""More failures than this are a fault of the change, and are not tried again."""
LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")


def failed(file: Path) -> list[str]:
    """Read the names of the tests that failed in the last run.

    Raises:
        OSError: There is no record, because the run ended before its first test.
    """
    return sorted(json.loads(file.read_text(encoding="utf-8")))


def run_again(file: Path = LAST_FAILED) -> int:
    """Run each test that failed by itself, name those that pass now, and return 0 when all do."""
    try:
        names = failed(file)
    except OSError as error:
        print(f"second run: no record of what failed ({error})", file=sys.stderr)
        return 1
    if not 0 < len(names) <= MOST:
        print(
            f"second run: {len(names)} tests failed; 1 to {MOST} are tried again", file=sys.stderr
        )
        return 1
    again = []
    for name in names:
        order = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", name]
        if subprocess.run(order, check=False).returncode:
            again.append(name)
        else:
            print(f"UNRELIABLE: {name} failed once and passed alone: repair it", file=sys.stderr)
    for name in again:
        print(f"second run: {name} failed again", file=sys.stderr)
    return 1 if again else 0


if __name__ == "__main__":
    sys.exit(run_again())
