"""`make bench`: every benchmark that needs no peer installed, one after another, in processes of their own.

`make bench-knowledge` installs the peers and runs them beside us.
"""

import subprocess
import sys

MODULES = ("benchmarks.rules", "benchmarks.gates", "benchmarks.answers")


def main() -> int:
    """Run them all; return 1 when one fails."""
    codes = []
    for module in MODULES:
        print(f"== {module}", flush=True)
        codes.append(subprocess.run([sys.executable, "-m", module], check=False).returncode)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
