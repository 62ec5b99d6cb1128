"""Writes the runbook's folders, schemas, scripts and make targets into a project.

Each script is a few lines that call trimtab, so that commands copied from the runbook work.
"""

from collections.abc import Iterator
from pathlib import Path

from trimtab.gates.pip_launcher import LAUNCHER
from trimtab.infra.shipped import shipped

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
FOLDERS = ("baseline/current", "datasets", "logs")
"""Folders that the runbook lists with `ls`; `schemas/` is created with its files."""
LOGS = ("logs/gates.log", "logs/gates.jsonl")
"""Created empty, so that `grep ... logs/*.log` finds no match instead of no file."""
_MAKE = """\
# The runbook's two health checks of this project. `trimtab gates selftest` tests the gates
# themselves.
REPORT ?= benchmark_report.json
.PHONY: test-short test-all

# The report's form and the data: seconds.
test-short:
\ttrimtab gates schemas
\ttrimtab gates fields $(REPORT)
\ttrimtab gates datasets
\ttrimtab gates permissions

# Every gate over the report and all that belongs to it; anything but a pass ends with an error.
test-all:
\ttrimtab gates run $(REPORT)
"""


def scaffold(folder: Path, *, dry_run: bool = False) -> list[tuple[str, bool]]:
    """Write the missing files; return each name and whether it is new.

    With `dry_run` nothing is written. Existing files are never changed.
    """
    done = []
    for name in FOLDERS:
        fresh = not (folder / name).is_dir()
        if fresh and not dry_run:
            (folder / name).mkdir(parents=True)
        done.append((f"{name}/", fresh))
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
    yield "scripts/bin/pip", LAUNCHER, True
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
            (
                f'"""The runbook\'s {word}."""\n\nfrom trimtab.cli.compat.runbook_api import'
                f' {word}\n\n__all__ = ["{word}"]\n'
            ),
            False,
        )
    for path in sorted(shipped("schemas").iterdir()):
        if path.suffix in (".json", ".md"):
            yield f"schemas/{path.name}", path.read_text(encoding="utf-8"), False
    guide = shipped("docs") / "gates" / "SCHEMA_MIGRATION_GUIDE.md"
    yield f"docs/{guide.name}", guide.read_text(encoding="utf-8"), False
    for name in LOGS:
        yield name, "", False
    yield ("gates.mk" if (folder / "Makefile").exists() else "Makefile"), _MAKE, False


def _script(name: str, about: str) -> str:
    return (
        f'#!/usr/bin/env python3\n"""{about}"""\n\nfrom trimtab.cli.compat.runbook_scripts import'
        f' main\n\nmain("{name}")\n'
    )
