"""Scripts of the gates runbook as `trimtab gates` commands; scaffolded files call them."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

Words = list[str]


def _sign_artifacts(words: Words) -> Words:
    """`sign *.json` also matches envelopes, which are signatures themselves."""
    action, *files = words or ["verify"]
    return [action, *(name for name in files if not name.endswith(".dsse.json"))]


def _baseline(words: Words) -> Words:
    waiting = Path("approval.dsse.json")
    given = "--approval" in words or not waiting.is_file()
    return ["baseline", "promote", *words, *([] if given else ["--approval", str(waiting)])]


def _permissions(words: Words) -> Words:
    rest = [word for word in words if word != "--verify-only"]
    return ["permissions", *rest] if "--verify-only" in words else ["permissions", "--fix", *rest]


SCRIPTS: dict[str, Callable[[Words], Words]] = {
    "validate_report_fields": lambda words: ["fields", *words],
    "validate_datasets": lambda words: ["datasets", *words],
    "setup_ci_permissions": _permissions,
    "generate_checksums": lambda words: ["manifest", "create", *words],
    "create_dataset_manifest": lambda words: ["manifest", "create", "--missing", *words],
    "detect_drift": lambda words: ["drift", *words],
    "generate_sbom": lambda words: ["sbom", *words],
    "sign_artifacts": _sign_artifacts,
    "validate_all_schemas": lambda words: ["schemas", *words],
    "generate_all_manifests": lambda words: ["manifest", "create", *words],
    "create_golden_baseline": _baseline,
    "memory_profiler": lambda words: ["profile", *words],
    "pip_audit": lambda words: ["audit", *words[1:]],
}
"""Arguments of `trimtab gates` for each script."""


def translate(script: str, words: Sequence[str]) -> Words:
    """Return the arguments of `trimtab gates` for a script and its arguments."""
    return SCRIPTS[script](list(words))


def main(script: str) -> NoReturn:
    """Run a script with the arguments of this process; exit with its code."""
    # Imported late: the self-test and the gates need not load for a wrong script name.
    from trimtab.cli.gates import app

    app(translate(script, sys.argv[1:]))
    sys.exit(0)
