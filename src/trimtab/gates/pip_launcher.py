"""Replaces the `pip` launcher with one that supports `pip audit`.

`python -m trimtab.gates.pip_launcher` replaces the launcher ``bin/pip`` of the running virtual
environment. The operations documents use `pip audit`, which pip does not have. All other commands
are passed to pip unchanged; installing pip again restores its own launcher.
"""

import sys
from pathlib import Path

from trimtab.gates.errors import EvidenceMissing

LAUNCHER = """\
#!/usr/bin/env python3
# `pip audit` as the operations documents write it: pip has no such command, trimtab answers; all
# else goes to pip.
import sys

if sys.argv[1:2] == ["audit"]:
    from trimtab.cli.compat.runbook_scripts import main

    main("pip_audit")
import runpy

runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def path_of(prefix: Path) -> Path:
    """Return the path of an environment's pip launcher."""
    return prefix / "bin" / "pip"


def install(prefix: Path) -> Path:
    """Replace the pip launcher of a virtual environment; idempotent.

    Raises:
        EvidenceMissing: It is not a virtual environment, or has no pip.
    """
    path = path_of(prefix)
    if not (prefix / "pyvenv.cfg").is_file() or not path.is_file():
        raise EvidenceMissing(
            f"{prefix} is not a virtual environment with pip.",
            hint="Put scripts/bin of a scaffolded project first in PATH instead.",
        )
    text = LAUNCHER.replace("/usr/bin/env python3", str(prefix / "bin" / "python"))
    if path.read_text(encoding="utf-8", errors="replace") != text:
        temporary = path.with_name(".pip.new")
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o755)
        temporary.replace(path)
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{install(Path(sys.prefix))} knows `pip audit`\n")
