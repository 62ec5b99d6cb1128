"""`gates logs`: search the project's logs."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.gates.console import AsJson, Root, print_document
from trimtab.gates import logbook
from trimtab.gates.case import Project
from trimtab.gates.errors import EvidenceUnreadable

app = typer.Typer(no_args_is_help=True)


def _show(matches: tuple[logbook.LogMatch, ...], *, as_json: bool) -> None:
    if as_json:
        print_document([{"file": hit.file, "line": hit.line, "text": hit.text} for hit in matches])
    for hit in () if as_json else matches:
        typer.echo(f"{hit.file}:{hit.line}:{hit.text}")


@app.command("errors")
def logs_errors(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Show the last 20 lines that speak of an error, a failure or something critical."""
    _show(logbook.search(Project(project), logbook.ERRORS, last=logbook.LAST), as_json=as_json)


@app.command("schema")
def logs_schema(
    project: Root = Path(),
    *,
    failures: Annotated[
        bool, typer.Option("--failures", help="Only schema failures and validation errors.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the lines about schemas."""
    pattern = logbook.SCHEMA_FAILURES if failures else logbook.SCHEMA
    _show(logbook.search(Project(project), pattern), as_json=as_json)


@app.command("performance")
def logs_performance(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Show the lines with durations and throughput."""
    _show(logbook.search(Project(project), logbook.PERFORMANCE), as_json=as_json)


@app.command("structured")
def logs_structured(
    project: Root = Path(),
    *,
    first: Annotated[int, typer.Option(help="Records of each file.", min=1)] = logbook.FIRST,
    as_json: AsJson = False,
) -> None:
    """Show the first records of each structured log; exit 1 if a line is not JSON."""
    del as_json  # The records are JSON in any case.
    try:
        print_document(
            [
                {"file": name, "record": record}
                for name, record in logbook.structured(Project(project), first=first)
            ]
        )
    except ValueError as error:
        raise EvidenceUnreadable(f"A structured log is broken at {error}") from error
