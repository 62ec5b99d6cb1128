"""Input of the gates: report, project directory, policy and clock.

A project directory has these files, all optional::

    benchmark_report.json          the report under test
    gates.yaml                     the policy
    datasets/NAME/manifest.sha256  one manifest for each dataset, next to its files
    logs/*.jsonl                   structured benchmark logs
    baseline/current/              the golden baseline
    sbom.cdx.json, provenance.dsse.json, reproducibility.json
    docs/, README.md, .github/     documentation and process
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trimtab.gates.errors import PolicyWrong
from trimtab.gates.policy import GatePolicy
from trimtab.kernel.clock import Clock

UNUSABLE = "the report is not usable"
"""Reason of the gates that need the report, after the schema gate has refused it."""


def keyring_folder() -> Path:
    """Return TRIMTAB_GATES_KEYS, or ``trimtab/keys`` in the user's configuration folder."""
    # The gates run without the service's settings.
    named = os.environ.get("TRIMTAB_GATES_KEYS")  # noqa: TID251
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME")  # noqa: TID251 - as above.
    return (Path(base) if base else Path.home() / ".config") / "trimtab" / "keys"


@dataclass(frozen=True, slots=True)
class Project:
    """Paths of the evidence files below a project's root."""

    root: Path
    keyring: Path | None = None
    """The folder of keys; None for the user's own (`keyring_folder`)."""

    @property
    def datasets(self) -> Path:
        """Return the folder of the datasets, one folder each."""
        return self.root / "datasets"

    @property
    def logs(self) -> Path:
        """Return the folder of plain and structured logs."""
        return self.root / "logs"

    @property
    def baseline(self) -> Path:
        """Return the file of the current golden baseline."""
        return self.root / "baseline" / "current" / "baseline_metrics.json"

    @property
    def baseline_approval(self) -> Path:
        """Return the signed approval of the current baseline."""
        return self.baseline.with_name("approval.dsse.json")

    @property
    def used_approvals(self) -> Path:
        """Return the journal of used approvals."""
        return self.root / "baseline" / "approvals_used.jsonl"

    @property
    def keys(self) -> Path:
        """Return the folder of trusted keys, which must be outside the project.

        Otherwise a person who changes the project could also add a trusted key and sign the change.

        Raises:
            PolicyWrong: The folder is inside the project.
        """
        folder = self.keyring or keyring_folder()
        if folder.resolve().is_relative_to(self.root.resolve()):
            raise PolicyWrong(
                f"The key ring {folder.name} lies inside the project that it vouches for.",
                hint=(
                    "Keep it elsewhere: set TRIMTAB_GATES_KEYS to a folder outside of the project."
                ),
            )
        return folder

    @property
    def sbom(self) -> Path:
        """Return the file of the CycloneDX SBOM."""
        return self.root / "sbom.cdx.json"

    @property
    def provenance(self) -> Path:
        """Return the file of the signed in-toto provenance statement."""
        return self.root / "provenance.dsse.json"

    @property
    def proof(self) -> Path:
        """Return the file of the reproducibility proof."""
        return self.root / "reproducibility.json"

    @property
    def policy(self) -> Path:
        """Return the path of the policy file."""
        return self.root / "gates.yaml"

    def dataset_names(self) -> tuple[str, ...]:
        """Return the sorted names of the datasets; empty without a folder."""
        if not self.datasets.is_dir():
            return ()
        return tuple(sorted(path.name for path in self.datasets.iterdir() if path.is_dir()))


@dataclass(frozen=True, slots=True)
class Case:
    """A report with everything that the gates need to check it."""

    project: Project
    policy: GatePolicy
    clock: Clock
    raw: bytes = b""
    """The report file's bytes."""
    report: Mapping[str, Any] | None = None
    """The report in the current schema version; None until the schema gate has accepted it."""
    report_name: str = "benchmark_report.json"
    commands: frozenset[str] | None = None
    """Known commands (``gates run``), for the docs gate; None when unknown."""
    change: Mapping[str, Any] = field(default_factory=dict)
    """The pull request, for the process gate: body, author, head and reviews; empty without one."""

    def results(self) -> tuple[Mapping[str, Any], ...]:
        """Return the report's results; empty without a usable report."""
        return tuple(self.report["results"]) if self.report else ()
