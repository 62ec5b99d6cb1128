"""`gates`: judge a release and keep its evidence.

Exit codes: 0 pass, 1 blocked, 2 wrong use, 3 review or unknown.
"""

from typing import ClassVar

import typer

from trimtab.cli.gates.errors import GatesGroup
from trimtab.cli.runtime.lazy_group import Lazy


class _Commands(GatesGroup):
    """The commands of `trimtab gates`."""

    table: ClassVar = {
        "run": Lazy(
            "trimtab.cli.gates.run",
            "Run all gates on a report and its project; write a signed verdict.",
        ),
        "repository": Lazy(
            "trimtab.cli.gates.run",
            "Judge trimtab's own release: self-test, packages, manual and process.",
        ),
        "import": Lazy(
            "trimtab.cli.gates.run",
            "Convert lm-evaluation-harness results or an MLPerf training log to a report.",
        ),
        "prove": Lazy(
            "trimtab.cli.gates.run",
            "Run the benchmark again and compare; writes reproducibility.json next to the report.",
        ),
        "selftest": Lazy(
            "trimtab.cli.gates.run",
            "Corrupt valid evidence in every known way; exit 1 if a corruption is not caught.",
        ),
        "fields": Lazy(
            "trimtab.cli.gates.inspect",
            "Check a report's required fields, types and ranges (the schema gate alone).",
        ),
        "schemas": Lazy(
            "trimtab.cli.gates.inspect",
            "List and check the schemas of each kind of document, also those of the project.",
        ),
        "show": Lazy(
            "trimtab.cli.gates.inspect",
            "Print a field of a report; over `results` the values are sorted, one a line.",
        ),
        "migrate": Lazy("trimtab.cli.gates.inspect", "Bring a report to another schema version."),
        "triage": Lazy(
            "trimtab.cli.gates.inspect", "Show the triage tree, from a failed build to its guide."
        ),
        "matrix": Lazy("trimtab.cli.gates.inspect", "Show the emergency matrix and the contacts."),
        "windows": Lazy("trimtab.cli.gates.inspect", "Show a benchmark's plausibility window."),
        "datasets": Lazy(
            "trimtab.cli.gates.datasets",
            "Verify every dataset: checksums, minimum sample counts, permissions.",
        ),
        "permissions": Lazy(
            "trimtab.cli.gates.datasets",
            "Verify the file permissions of datasets; repair them with --fix.",
        ),
        "approve": Lazy(
            "trimtab.cli.gates.evidence",
            "Sign the approval of one change of evidence, valid for one use within a day.",
        ),
        "drift": Lazy(
            "trimtab.cli.gates.evidence",
            "Compare a report with the golden baseline, or a table of data with a reference.",
        ),
        "sbom": Lazy(
            "trimtab.cli.gates.supply_chain",
            "Write the CycloneDX bill of materials of this environment, models and data; or "
            "verify it.",
        ),
        "sign": Lazy(
            "trimtab.cli.gates.supply_chain",
            "Sign artifacts with their provenance, one signature for all.",
        ),
        "verify": Lazy("trimtab.cli.gates.supply_chain", "Verify the signatures of artifacts."),
        "audit": Lazy(
            "trimtab.cli.gates.supply_chain",
            "Check installed packages against the advisory snapshot and the version pins.",
        ),
        "pip-check": Lazy(
            "trimtab.cli.gates.supply_chain",
            "Verify that the installed packages' requirements are met.",
        ),
        "licences": Lazy(
            "trimtab.cli.gates.supply_chain", "Compare every package's licence with the policy."
        ),
        "sweep": Lazy("trimtab.cli.gates.maintenance", "Run the seven immediate diagnostics."),
        "reset": Lazy(
            "trimtab.cli.gates.maintenance",
            "Delete files that git does not track, except keys, baselines, data and evidence.",
        ),
        "profile": Lazy(
            "trimtab.cli.gates.maintenance",
            "Run a script and show its peak memory, whether it still grows at the end, and "
            "its time.",
        ),
        "resources": Lazy(
            "trimtab.cli.gates.maintenance",
            "Show the Python programs of this machine with their memory and processor share.",
        ),
        "environment": Lazy(
            "trimtab.cli.gates.maintenance",
            "Show the variables that make a benchmark reproducible; exit 1 if one is not set.",
        ),
        "scaffold": Lazy(
            "trimtab.cli.gates.maintenance",
            "Write the runbook's scripts, schemas, miso package and make targets; replaces "
            "nothing.",
        ),
        "manifest": Lazy(
            "trimtab.cli.gates.manifests", "Create and check the manifest of each dataset."
        ),
        "baseline": Lazy("trimtab.cli.gates.baseline", "Show and promote the golden baseline."),
        "keys": Lazy(
            "trimtab.cli.gates.keys", "Manage signing keys and the roles they are trusted for."
        ),
        "advisories": Lazy(
            "trimtab.cli.gates.advisories",
            "Show and refresh the advisory snapshot that the audit reads.",
        ),
        "logs": Lazy("trimtab.cli.gates.logs", "Search logs/*.log and logs/*.jsonl."),
    }


app = typer.Typer(cls=_Commands, no_args_is_help=True)


@app.callback()
def group() -> None:
    """Judge a release and keep its evidence."""
