"""`gates baseline`: the golden baseline."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.gates.console import (
    Approved,
    AsJson,
    DryRun,
    Root,
    print_document,
    show_done,
    show_findings,
    show_rows,
    table,
)
from trimtab.cli.gates.project import policy_of
from trimtab.gates.baseline import read_baseline
from trimtab.gates.case import Project
from trimtab.gates.errors import ApprovalRefused, EvidenceMissing
from trimtab.gates.evidence_files import read_evidence
from trimtab.kernel.clock import SystemClock

app = typer.Typer(no_args_is_help=True)
ReportOption = Annotated[Path, typer.Option("--report", "-r", help="A benchmark report (JSON).")]


@app.command("show")
def baseline_show(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Show the current baseline, after checking it."""
    place = Project(project)
    if not place.baseline.is_file():
        raise EvidenceMissing(
            "There is no baseline.",
            hint="`trimtab gates baseline promote -r REPORT --approval FILE`.",
        )
    read, found = read_baseline(place)
    if read is None:
        show_findings(found, as_json=as_json, gate="drift")
        return
    if as_json:
        print_document(read)
        return
    rows = [
        (n, f"{b['accuracy']:.4f}", b["samples_processed"], f"{b['duration_s']:g}")
        for n, b in read["benchmarks"].items()
    ]
    table(
        f"Baseline of {read['created_at']}, approved by {read['approval']['by']}",
        ("benchmark", "accuracy", "samples", "seconds"),
        rows,
    )


@app.command("list")
def baseline_list(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """List the files of the current baseline and the archived ones."""
    root = Project(project).root / "baseline"
    rows = [
        (p.relative_to(root).as_posix(), p.stat().st_size)
        for p in sorted(root.rglob("*"))
        if p.is_file()
    ]
    if not rows:
        raise EvidenceMissing("There is no baseline.")
    show_rows("baseline/", ("file", "bytes"), rows, as_json=as_json)


@app.command("promote")
def baseline_promote(
    report: ReportOption,
    *,
    approval: Approved = None,
    project: Root = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Make a validated, approved report the new golden baseline; the former one is archived."""
    from trimtab.gates.evidence import promote

    if not report.is_file():
        raise EvidenceMissing(f"There is no report {report.name}.")
    if approval is None or not approval.is_file():
        raise ApprovalRefused("A new baseline needs an approval of exactly this report.")
    place = Project(project)
    written = promote(
        place, report, read_evidence(approval), policy_of(place), SystemClock(), dry_run=dry_run
    )
    name = written.relative_to(place.root).as_posix()
    show_done(
        f"{'would write' if dry_run else 'wrote'} {name}",
        {"baseline": name, "dry_run": dry_run},
        as_json=as_json,
    )
