"""Writes the runbook's own words into a project: its eleven scripts, the miso package, pip audit and the make targets.

Each file is a few lines that call trimtab, so that whoever pastes a command from the runbook gets the real thing.
"""

from collections.abc import Iterator
from pathlib import Path

SCRIPTS: dict[str, str] = {
    "validate_report_fields": "Check a report's required fields.",
    "validate_datasets": "Verify every dataset's checksums, counts and permissions.",
    "setup_ci_permissions": "Repair permissions; with --verify-only, report and change nothing.",
    "generate_checksums": "Regenerate manifests; replacing one needs an approval.",
    "create_dataset_manifest": "Create the manifests that are missing.",
    "detect_drift": "Compare a report with the golden baseline.",
    "generate_sbom": "Write the bill of materials; with --verify, check it.",
    "sign_artifacts": "Sign or verify artifacts.",
    "validate_all_schemas": "Check every schema.",
    "generate_all_manifests": "Regenerate the manifests of every dataset.",
    "create_golden_baseline": "Make an approved report the golden baseline.",
}
MODULES: dict[str, str] = {
    "miso/validation/schema_validator.py": "SchemaValidator",
    "miso/datasets/dataset_integrity.py": "DatasetValidator",
    "miso/logging/structured_logger.py": "BenchmarkLogger",
    "miso/baseline/drift_detector.py": "DriftDetector",
    "miso/monitoring/plausibility_monitor.py": "PlausibilityMonitor",
}
_MAKE = """\
# The runbook's two health checks: the gates' own self-test, short and whole, and every gate over the report.
.PHONY: test-short test-all

test-short:
\ttrimtab gates selftest --gate schema

test-all:
\ttrimtab gates selftest
"""


def scaffold(folder: Path, *, dry_run: bool = False) -> list[tuple[str, bool]]:
    """Write the files; return each file's name and whether it was (or would be) written. Existing files stay."""
    done = []
    for name, text, executable in _files(folder):
        path = folder / name
        fresh = not path.exists()
        if fresh and not dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            if executable:
                path.chmod(0o755)
        done.append((name, fresh))
    return done


def _files(folder: Path) -> Iterator[tuple[str, str, bool]]:
    for name, about in SCRIPTS.items():
        yield f"scripts/{name}.py", _script(name, about), True
    yield "scripts/bin/pip", _PIP, True
    yield (
        "memory_profiler.py",
        _script("memory_profiler", "Run a script and show its memory."),
        False,
    )
    packages = {
        str(parent) for name in MODULES for parent in Path(name).parents if str(parent) != "."
    }
    for package in sorted(packages):
        yield f"{package}/__init__.py", '"""The runbook\'s names for trimtab\'s gates."""\n', False
    for name, word in MODULES.items():
        yield (
            name,
            f'"""The runbook\'s {word}."""\n\nfrom trimtab.gates.words import {word}\n\n__all__ = ["{word}"]\n',
            False,
        )
    yield ("gates.mk" if (folder / "Makefile").exists() else "Makefile"), _MAKE, False


def _script(name: str, about: str) -> str:
    return f'#!/usr/bin/env python3\n"""{about}"""\n\nfrom trimtab.cli.gates_words import main\n\nmain("{name}")\n'


_PIP = '''\
#!/usr/bin/env python3
"""`pip audit` as the runbook writes it: pip has no such command, so this one answers; all else goes to pip."""

import subprocess
import sys

if sys.argv[1:2] == ["audit"]:
    from trimtab.cli.gates_words import main

    main("pip_audit")
sys.exit(subprocess.call([sys.executable, "-m", "pip", *sys.argv[1:]]))
'''
