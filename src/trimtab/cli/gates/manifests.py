"""`gates manifest`: the manifest of each dataset."""

from pathlib import Path
from typing import Annotated

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
from trimtab.gates.evidence import manifest_change
from trimtab.gates.evidence_files import read_evidence
from trimtab.kernel.clock import SystemClock

app = typer.Typer(no_args_is_help=True)


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
) -> None:
    """Create or replace manifests; replacing needs an approval of the new content."""
    place = Project(project)
    refused = 0
    if not names and not place.dataset_names():
        nothing_to_judge("manifests", as_json=False)
    for name in names or place.dataset_names():
        change = manifest_change(place, name)
        if change.same or (missing_only and change.exists):
            console().print(f"{name}: unchanged", style="dim", markup=False)
            continue
        if change.exists and dry_run:
            console().print(
                f"{name}: would replace the manifest; approve {change.sha256}", markup=False
            )
            continue
        if dry_run:
            console().print(
                f"{name}: would create a manifest of {change.files} files", markup=False
            )
            continue
        refused += not _write_manifest(place, name, approval)
    if refused:
        raise typer.Exit(1)


def _write_manifest(place: Project, name: str, approval: Path | None) -> bool:
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
            console().print(f"[red]{name}: {error.message}[/]")
            console().print(
                f"approve it: trimtab gates approve manifest --sha256 {change.sha256} "
                "--by NAME --reason WHY"
            )
            return False
    written = data.write_manifest(place.datasets / name)
    console().print(f"{name}: {len(written.files)} files", markup=False)
    return True


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
