"""`gates fields`, `schemas`, `show`, `migrate`, `triage`, `matrix`, `windows`: inspect."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from trimtab.cli.gates.console import (
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
from trimtab.gates.case import Project
from trimtab.gates.errors import EvidenceMissing
from trimtab.gates.evidence_files import read_evidence, replace_file
from trimtab.gates.json_path import values_at
from trimtab.gates.matrix import CONTACTS, HANDLING, TREE
from trimtab.gates.plausibility import bounds
from trimtab.gates.schema import CURRENT, available, check_document, check_report, downgrade
from trimtab.gates.schema.versions import project_schemas
from trimtab.gates.schema.versions import schema as load_schema
from trimtab.gates.strictjson import parse
from trimtab.gates.windows import WINDOWS

app = typer.Typer()

Report = Annotated[Path, typer.Argument(help="A benchmark report (JSON).")]


@app.command()
def fields(report: Report, *, as_json: AsJson = False) -> None:
    """Check a report's required fields, types and ranges (the schema gate alone)."""
    if not report.is_file():
        raise EvidenceMissing(f"There is no report {report.name}.")
    checked = check_report(read_evidence(report))
    show_findings(
        checked.findings, as_json=as_json, gate="schema", facts={"schema_version": checked.version}
    )


@app.command()
def schemas(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """List and check the schemas of each kind of document, also those of the project."""
    rows = []
    for kind, current in CURRENT.items():
        for version in available(kind):
            title = load_schema(kind, version).get("title", "")
            # Compiling the schema and judging an empty document shows that it loads and refuses.
            sound = bool(check_document(kind, {}, version))
            status = "current" if version == current else ""
            rows.append((kind, version, status, "ok" if sound else "BROKEN", title))
    rows += [
        (f"schemas/{name}", "", "project", sound, title)
        for name, sound, title in project_schemas(Project(project).root / "schemas")
    ]
    keys = ("kind", "version", "current", "sound", "title")
    show_rows(
        "Schemas", ("kind", "version", "", "sound", "title"), rows, as_json=as_json, keys=keys
    )
    if any(row[3] != "ok" for row in rows):
        raise typer.Exit(1)


@app.command()
def show(
    report: Report,
    field: Annotated[
        str,
        typer.Argument(help="Such as schema_version, metrics.compute_mode or results.duration_s."),
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print a field of a report; over `results` the values are sorted, one a line."""
    parsed = parse(read_evidence(report)) if report.is_file() else None
    if parsed is None:
        raise EvidenceMissing(f"There is no report {report.name}.")
    if parsed.findings:
        # A document that two readers read differently has no one value to show.
        show_findings(parsed.findings, as_json=as_json, gate="schema")
    values = list(values_at(parsed.value, field))
    if as_json:
        print_document(values)
        return
    for value in values:
        typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


@app.command()
def migrate(
    report: Report,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the migrated report goes.")],
    to: Annotated[str, typer.Option(help="The version to reach.")] = CURRENT["report"],
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Bring a report to another schema version."""
    if not report.is_file():
        raise EvidenceMissing(f"There is no report {report.name}.")
    checked = check_report(read_evidence(report))
    if checked.report is None:
        show_findings(checked.findings, as_json=as_json, gate="schema")
        return
    migrated = downgrade(checked.report, to)
    if not dry_run:
        replace_file(output, orjson.dumps(migrated, option=orjson.OPT_INDENT_2) + b"\n")
    show_done(
        f"{checked.version} -> {to}, {'would go' if dry_run else 'written'} to {output.name}",
        {"from": checked.version, "to": to, "file": output.name, "dry_run": dry_run},
        as_json=as_json,
    )


@app.command()
def triage(
    failure: Annotated[
        str,
        typer.Argument(
            help="schema, dataset, benchmark, drift, security, other, performance, "
            "documentation or process."
        ),
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Show the triage tree, from a failed build to its guide."""
    branches = [
        b
        for b in TREE
        if not failure
        or failure.lower() in (b.failure.value, b.question.split()[0].lower().rstrip("?"))
    ]
    if not branches:
        raise EvidenceMissing(
            f"There is no branch {failure!r}.",
            hint=f"Branches: {', '.join(b.failure.value for b in TREE)}.",
        )
    if as_json:
        print_document(
            [
                {
                    "question": b.question,
                    "failure": b.failure.value,
                    "red_ci": b.red_ci,
                    "guide": b.guide,
                }
                for b in branches
            ]
        )
        return
    typer.echo("Build Failure? -> Start Here")
    for under_ci, title in ((True, "Red CI Status?"), (False, "")):
        mine = [branch for branch in branches if branch.red_ci is under_ci]
        if mine and title:
            typer.echo(f"├── {title}")
        for branch in mine:
            handling = HANDLING[branch.failure]
            typer.echo(
                f"{'│   ' if under_ci else ''}├── {branch.question} -> {branch.guide} "
                f"({handling.team}, resolve {handling.resolution})"
            )


@app.command()
def matrix(*, as_json: AsJson = False) -> None:
    """Show the emergency matrix and the contacts."""
    rows = [
        (h.title, h.severity.value, h.response, h.resolution, h.escalation, h.team, h.contact_sla)
        for h in HANDLING.values()
    ]
    columns = (
        "failure_type",
        "severity",
        "response_time",
        "resolution_time",
        "escalation",
        "team",
        "contact_sla",
    )
    contacts = [(issue, contact, sla) for issue, (contact, sla) in CONTACTS.items()]
    if as_json:
        print_document(
            {
                "matrix": [dict(zip(columns, row, strict=True)) for row in rows],
                "contacts": [
                    dict(zip(("issue_type", "contact", "response_sla"), c, strict=True))
                    for c in contacts
                ],
            }
        )
        return
    table(
        "Emergency response matrix",
        (
            "Failure Type",
            "Severity",
            "Response Time",
            "Resolution",
            "Escalation",
            "Team",
            "Contact SLA",
        ),
        rows,
    )
    table("Escalation contacts", ("Issue Type", "Contact", "Response SLA"), contacts)


@app.command()
def windows(
    benchmark: Annotated[str, typer.Argument(help="Such as mmlu; without, all are listed.")] = "",
    *,
    samples: Annotated[
        int | None,
        typer.Option(help="At this many samples; by default the whole benchmark.", min=1),
    ] = None,
    project: Root = Path(),
    as_json: AsJson = False,
) -> None:
    """Show a benchmark's plausibility window."""
    policy = policy_of(Project(project))
    rows = []
    for name in [benchmark] if benchmark else sorted(WINDOWS):
        size = samples or (WINDOWS[name].samples if name in WINDOWS else None) or 1000
        edges = bounds(name, size, policy)
        if edges is None:
            raise EvidenceMissing(
                f"Unknown benchmark {name!r}.",
                hint="Add it to the policy: plausibility.windows.",
            )
        rows.append((name, size, round(edges.low, 4), round(edges.high, 4), edges.window.source))
    columns = ("benchmark", "samples", "low", "high", "source")
    show_rows("Plausibility windows", columns, rows, as_json=as_json)
