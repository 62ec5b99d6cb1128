"""`gates datasets`, `gates permissions`: check the datasets of a project."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.gates.console import (
    AsJson,
    DryRun,
    Root,
    console,
    nothing_to_judge,
    print_document,
    show_findings,
    table,
)
from trimtab.cli.gates.project import policy_of
from trimtab.gates import datasets as data
from trimtab.gates.case import Case, Project
from trimtab.gates.dataset_checks import check_datasets, count_samples
from trimtab.kernel.clock import SystemClock

app = typer.Typer()


@app.command()
def datasets(
    project: Root = Path(),
    *,
    counts_only: Annotated[bool, typer.Option("--counts", help="Only the sample counts.")] = False,
    as_json: AsJson = False,
) -> None:
    """Verify every dataset: checksums, minimum sample counts, permissions."""
    case = Case(Project(project), policy_of(Project(project)), SystemClock())
    if counts_only:
        counted = count_samples(case)
        facts: dict[str, object] = {"samples": dict(counted.samples)} if counted.samples else {}
        show_findings(counted.findings, as_json=as_json, gate="sample counts", facts=facts)
    else:
        count = len(case.project.dataset_names())
        found = check_datasets(case)
        show_findings(found, as_json=as_json, gate="datasets", facts={"datasets": count})


@app.command()
def permissions(
    project: Root = Path(),
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Repair them; without, nothing is changed.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Verify the file permissions of datasets; repair them with --fix."""
    place = Project(project)
    if not place.dataset_names():
        nothing_to_judge("permissions", as_json=as_json)
    wrong = data.wrong_permissions(place.datasets)
    if fix and not dry_run:
        data.fix_permissions(wrong)
    rows = [
        (
            entry.path.relative_to(place.root).as_posix(),
            f"{entry.mode:04o}",
            f"{entry.expected:04o}",
        )
        for entry in wrong
    ]
    if as_json:
        print_document([dict(zip(("path", "mode", "wanted"), row, strict=True)) for row in rows])
    elif rows:
        table(
            "Repaired" if fix and not dry_run else "Wrong permissions",
            ("path", "mode", "wanted"),
            rows,
        )
    else:
        console().print("✅ permissions are right")
    if rows and (not fix or dry_run):
        raise typer.Exit(1)
