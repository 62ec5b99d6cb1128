"""Prints gate findings and verdicts, and defines the options that gate commands share."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trimtab.cli.runtime import console as runtime
from trimtab.gates.records import Finding, GateOutcome, GateState, GateVerdict, Severity, outcome_of

if TYPE_CHECKING:
    from trimtab.gates.verdict_files import SignedVerdict

_COLOURS = {Severity.CRITICAL: "red", Severity.WARNING: "yellow", Severity.LOW: "dim"}
_OUTCOMES = {
    GateOutcome.PASS: "[green]✅ pass[/]",
    GateOutcome.REVIEW: "[yellow]⚠️ review[/]",
    GateOutcome.BLOCK: "[red]❌ block[/]",
    GateOutcome.UNKNOWN: "[yellow]❔ unknown[/]",
}

Root = Annotated[Path, typer.Option("--project", help="The project directory.")]


def _or_before(context: typer.Context, value: bool) -> bool:
    """Return whether ``--json`` stands after the command or before it."""
    session = context.find_root().obj
    return value or bool(session is not None and session.json)


AsJson = Annotated[
    bool,
    typer.Option("--json", callback=_or_before, help="Print one JSON document instead of tables."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, change nothing.")]
Approved = Annotated[
    Path | None, typer.Option("--approval", help="A signed approval; see `trimtab gates approve`.")
]


_PIPE_WIDTH = 160
_BORDERS = 1
"""Columns of a border between two cells."""


def console() -> Console:
    """Return the console for results."""
    return runtime.console(pipe_width=_PIPE_WIDTH)


def errors() -> Console:
    """Return the console for errors and progress."""
    return runtime.console(stderr=True, pipe_width=_PIPE_WIDTH)


def print_document(document: object) -> None:
    """Print a JSON document."""
    runtime.print_json(document, pretty=True)


def show_done(text: str, document: Mapping[str, object], *, as_json: bool) -> None:
    """Print what was done: a line for people, or the document."""
    if as_json:
        print_document(document)
    else:
        console().print(text, markup=False)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table, or records on a narrow terminal; every cell is shown as it is."""
    cells = [[str(cell) for cell in row] for row in rows]
    if not runtime.fits(columns, cells, console().width - _BORDERS * (len(columns) + 1)):
        console().print(title, style="italic", markup=False)
        runtime.print_records(console(), columns, cells)
        return
    shown = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in cells:
        shown.add_row(*map(escape, row))
    console().print(shown)


def show_rows(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    as_json: bool,
    keys: Sequence[str] = (),
) -> None:
    """Print rows as a table, or as JSON objects with the given keys, by default the columns."""
    if as_json:
        print_document([dict(zip(keys or columns, row, strict=True)) for row in rows])
    else:
        table(title, columns, rows)


def show_findings(
    found: Sequence[Finding], *, as_json: bool, gate: str, facts: dict[str, object] | None = None
) -> None:
    """Print what one gate found and exit with its code."""
    from trimtab.gates.verdict import EXIT_CODES, finding_document

    outcome = outcome_of(tuple(found))
    if as_json:
        print_document(
            {
                "verdict": outcome.value,
                "findings": [finding_document(f) for f in found],
                **(facts or {}),
            }
        )
    else:
        _print_findings(found)
        extra = ", ".join(f"{value} {key}" for key, value in (facts or {}).items())
        console().print(f"{_OUTCOMES[outcome]} {gate}{f' ({escape(extra)})' if extra else ''}")
    if outcome is not GateOutcome.PASS:
        raise typer.Exit(EXIT_CODES[outcome])


def show_signed(verdict: "SignedVerdict", *, as_json: bool) -> None:
    """Print what a signed verdict states and exit with its code."""
    from trimtab.gates.verdict import EXIT_CODES

    if as_json:
        print_document({**asdict(verdict), "outcome": verdict.outcome.value})
    else:
        line = f"{verdict.subject}, policy {verdict.policy}, {verdict.at}"
        console().print(f"{_OUTCOMES[verdict.outcome]} {escape(line)}")
        console().print(f"signed by {verdict.signer} ({verdict.keyid[:16]})", markup=False)
    if verdict.outcome is not GateOutcome.PASS:
        raise typer.Exit(EXIT_CODES[verdict.outcome])


def show_verdict(verdict: GateVerdict) -> None:
    """Print the verdict's page."""
    from trimtab.gates.verdict import headline

    out = console()
    shown = Table(
        title=f"{verdict.subject}, policy {verdict.policy}",
        title_justify="left",
        header_style="bold",
    )
    for column in ("gate", "result", "findings", "headline"):
        shown.add_column(column, overflow="fold")
    for result in verdict.results:
        ran = result.state is GateState.RAN
        text = (
            _OUTCOMES[result.outcome] if ran or result.findings else f"[dim]{result.state.value}[/]"
        )
        shown.add_row(
            result.gate, text, str(len(result.findings)), escape(headline(result) or result.reason)
        )
    out.print(shown)
    _print_findings(verdict.findings)
    out.print(f"verdict: {_OUTCOMES[verdict.outcome]}")


def _print_findings(found: Sequence[Finding]) -> None:
    from trimtab.gates.verdict import finding_document

    out = console()
    for entry in found:
        row = finding_document(entry)
        out.print(
            f"[{_COLOURS[entry.severity]}]{entry.severity.value}[/] "
            f"[bold]{escape(entry.code)}[/] {escape(entry.path)}"
        )
        out.print(f"  {escape(entry.message)}")
        out.print(f"  fix: {escape(entry.fix)}")
        out.print(
            f"  [dim]{entry.team}, respond {row['response']}, resolve {row['resolution']}, "
            f"{row['escalation']}; guide {row['guide']}[/]"
        )


def nothing_to_judge(gate: str, *, as_json: bool) -> None:
    """Say that there is no dataset, and end as unknown: nothing was verified."""
    from trimtab.gates.verdict import EXIT_CODES

    if as_json:
        print_document([])
    else:
        console().print(f"❔ there is no dataset under datasets/: {gate} cannot be judged")
    raise typer.Exit(EXIT_CODES[GateOutcome.UNKNOWN])
