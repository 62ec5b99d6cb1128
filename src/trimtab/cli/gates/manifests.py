"""`gates manifest`: the manifest of each dataset."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trimtab.cli.gates.console import (
    Approved,
    AsJson,
    DryRun,
    Root,
    console,
    nothing_to_judge,
    print_document,
    show_findings,
    table,
)
from trimtab.gates import datasets as data
from trimtab.gates.baseline import Approvals
from trimtab.gates.case import Project
from trimtab.gates.errors import ApprovalRefused
from trimtab.gates.evidence_files import read_evidence
from trimtab.kernel.clock import SystemClock

if TYPE_CHECKING:
    from trimtab.gates.evidence import ManifestChange

app = typer.Typer(no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class ManifestDone:
    """Result for the manifest of one dataset."""

    dataset: str
    status: str
    """unchanged, would_replace, would_create, written or refused."""
    text: str
    sha256: str = ""
    """Of the new content, which an approval must name."""


@app.command("create")
def manifest_create(
    names: Annotated[
        list[str] | None, typer.Argument(help="Datasets; by default every one.")
    ] = None,
    *,
    project: Root = Path(),
    missing_only: Annotated[
        bool, typer.Option("--missing", help="Only where there is none.")
    ] = False,
    approval: Approved = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Create or replace manifests; replacing needs an approval of the new content."""
    from trimtab.gates.evidence import manifest_change

    place = Project(project)
    if not names and not place.dataset_names():
        nothing_to_judge("manifests", as_json=as_json)
    done = []
    for name in names or place.dataset_names():
        result = _settled(manifest_change(place, name), name, missing_only, dry_run)
        result = result or _write_manifest(place, name, approval)
        done.append(result)
        if not as_json:
            console().print(f"{name}: {result.text}", markup=False)
    if as_json:
        print_document([asdict(result) for result in done])
    if any(result.status == "refused" for result in done):
        raise typer.Exit(1)


def _settled(
    change: "ManifestChange", name: str, missing_only: bool, dry_run: bool
) -> ManifestDone | None:
    """Return what is, or would be, done without writing; None where the manifest is written."""
    if change.same or (missing_only and change.exists):
        return ManifestDone(name, "unchanged", "unchanged")
    if not dry_run:
        return None
    if change.exists:
        text = f"would replace the manifest; approve {change.sha256}"
        return ManifestDone(name, "would_replace", text, change.sha256)
    return ManifestDone(name, "would_create", f"would create a manifest of {change.files} files")


def _write_manifest(place: Project, name: str, approval: Path | None) -> ManifestDone:
    from trimtab.gates.evidence import manifest_change

    change = manifest_change(place, name)
    if change.exists:
        approvals = Approvals(place, SystemClock())
        try:
            if approval is None or not approval.is_file():
                raise ApprovalRefused(
                    "Replacing a manifest changes evidence and needs an approval."
                )
            approvals.spend(approvals.check(read_evidence(approval), "manifest", change.sha256))
        except ApprovalRefused as error:
            text = (
                f"{error.message}\napprove it: trimtab gates approve manifest "
                f"--sha256 {change.sha256} --by NAME --reason WHY"
            )
            return ManifestDone(name, "refused", text, change.sha256)
    written = data.write_manifest(place.datasets / name)
    return ManifestDone(name, "written", f"{len(written.files)} files")


@app.command("list")
def manifest_list(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """List every dataset with the number of lines of its manifest."""
    place = Project(project)
    rows = []
    for name in place.dataset_names():
        path = place.datasets / name / data.MANIFEST
        rows.append((name, len(path.read_bytes().splitlines()) if path.is_file() else None))
    if as_json:
        print_document([{"dataset": name, "lines": lines} for name, lines in rows])
    else:
        table(
            "Manifests",
            ("dataset", "lines"),
            [(name, "missing" if lines is None else lines) for name, lines in rows],
        )
    if any(lines is None for _, lines in rows):
        raise typer.Exit(1)


@app.command("show")
def manifest_show(name: str, project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Show a dataset's manifest."""
    read, found = data.read_manifest(Project(project).datasets / name)
    if read is None:
        show_findings(found, as_json=as_json, gate="datasets")
    elif as_json:
        print_document(read.as_document(name))
    else:
        typer.echo(read.text().rstrip("\n"))
