"""`trimtab gates ...`: datasets, manifests, permissions, baselines, approvals and drift."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.gates.console import (
    AsJson,
    Root,
    console,
    show_done,
    show_findings,
    table,
)
from trimtab.cli.gates.project import policy_of
from trimtab.gates import drift as drift_gate
from trimtab.gates import drift_report
from trimtab.gates.baseline import Approvals, read_baseline
from trimtab.gates.case import Case, Project
from trimtab.gates.errors import EvidenceMissing
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.schema import check_report
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.ids import sha256_hex

app = typer.Typer()


@app.command()
def approve(
    action: Annotated[str, typer.Argument(help="baseline or manifest.")],
    file: Annotated[Path | None, typer.Argument(help="The evidence that is approved.")] = None,
    *,
    sha256: Annotated[str, typer.Option(help="Its hash, instead of the file.")] = "",
    by: Annotated[str, typer.Option(help="Who approves.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the evidence.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the approval goes.")] = Path(
        "approval.dsse.json"
    ),
    project: Root = Path(),
    as_json: AsJson = False,
) -> None:
    """Sign the approval of one change of evidence, valid for one use within a day."""
    if file is not None and not file.is_file():
        raise EvidenceMissing(f"There is no file {file.name}.")
    digest = sha256 or (sha256_hex(read_evidence(file)) if file else "")
    if len(digest) != 64:
        raise EvidenceMissing("Name a file or give --sha256.")
    output.write_bytes(
        Approvals(Project(project), SystemClock()).grant(action, digest, by=by, reason=reason)
    )
    show_done(
        f"{action} of {digest[:12]}... approved by {by}: {output.name}",
        {"action": action, "sha256": digest, "by": by, "file": output.name},
        as_json=as_json,
    )


@app.command()
def drift(
    report: Annotated[
        Path | None, typer.Option("--report", "-r", help="A benchmark report (JSON).")
    ] = None,
    *,
    project: Root = Path(),
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but findings.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the report (Markdown) and its picture (SVG)."),
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="A table (npy, csv): compare data instead of results.")
    ] = None,
    current: Annotated[Path | None, typer.Option(help="The present table.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare a report with the golden baseline, or a table of data with a reference."""
    place = Project(project)
    if reference is not None and current is not None:
        _data_drift(place, reference, current, quiet=quiet, as_json=as_json)
        return
    if report is None or not report.is_file():
        raise EvidenceMissing(
            "There is no report.", hint="Give --report FILE, or --reference and --current."
        )
    raw = read_evidence(report)
    checked = check_report(raw)
    if checked.report is None:
        show_findings(checked.findings, as_json=as_json, gate="schema")
    case = Case(place, policy_of(place), SystemClock(), raw=raw, report=checked.report)
    result = drift_gate.check(case)
    rows = _rows(case)
    if output is not None:
        picture = output.with_suffix(".svg")
        picture.write_text(drift_report.svg(rows), encoding="utf-8")
        output.write_text(drift_report.markdown(rows, plot=picture.name), encoding="utf-8")
    if not quiet and not as_json:
        _drift_table(rows, result.reason)
    if result.findings or not quiet:
        show_findings(result.findings, as_json=as_json, gate="drift")


def _rows(case: Case) -> tuple[drift_gate.DriftRow, ...]:
    if not case.project.baseline.is_file():
        return ()
    read, _ = read_baseline(case.project)
    return drift_gate.table(case, read) if read else ()


def _drift_table(rows: tuple[drift_gate.DriftRow, ...], reason: str) -> None:
    if reason:
        console().print(reason, style="dim")
    columns = ("benchmark", "baseline", "now", "change", "noise", "tolerance", "reading")
    shown = [
        (
            r.name,
            f"{r.baseline:.4f}",
            f"{r.current:.4f}",
            f"{r.change:+.4f}",
            f"±{r.noise:.4f}",
            f"±{r.tolerance:g}",
            r.why,
        )
        for r in rows
    ]
    table("Drift", columns, shown)


def _data_drift(
    place: Project, reference: Path, current: Path, *, quiet: bool, as_json: bool
) -> None:
    # Numpy is loaded by those who compare tables, not by those who validate a report.
    from trimtab.gates.data_drift import data_findings, read_table

    columns, found = data_findings(
        read_table(reference), read_table(current), policy_of(place).drift
    )
    if not quiet and not as_json:
        table(
            "Population stability index",
            ("column", "psi"),
            [(n, f"{value:.4f}") for n, value in columns],
        )
    show_findings(
        found, as_json=as_json, gate="data drift", facts={"psi": dict(columns)} if as_json else None
    )
