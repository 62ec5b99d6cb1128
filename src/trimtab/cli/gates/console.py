"""How the gate commands speak: errors with exit codes, verdicts as tables or JSON, options that they share."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trimtab.gates.records import Finding, GateState, Outcome, Severity, Verdict, outcome_of
from trimtab.gates.verdict import EXIT_CODES, finding_document, headline

_COLOURS = {Severity.CRITICAL: "red", Severity.WARNING: "yellow", Severity.LOW: "dim"}
_OUTCOMES = {
    Outcome.PASS: "[green]✅ pass[/]",
    Outcome.REVIEW: "[yellow]⚠️ review[/]",
    Outcome.BLOCK: "[red]❌ block[/]",
    Outcome.UNKNOWN: "[yellow]❔ unknown[/]",
}

Root = Annotated[Path, typer.Option("--project", help="The project directory.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, change nothing.")]
Approved = Annotated[
    Path | None, typer.Option("--approval", help="A signed approval; see `trimtab gates approve`.")
]


def console() -> Console:
    """Return the console for results."""
    return _console(sys.stdout.isatty(), stderr=False)


def errors() -> Console:
    """Return the console for errors and progress."""
    return _console(sys.stderr.isatty(), stderr=True)


def _console(is_terminal: bool, *, stderr: bool) -> Console:
    """A pipe has no width of its own: lines are then as long as they are, tables as wide as a screen."""
    return Console(
        stderr=stderr,
        highlight=False,
        soft_wrap=not is_terminal,
        width=None if is_terminal else 160,
    )


def say(text: str) -> None:
    """Print plain text exactly as it is."""
    typer.echo(text)


def emit(document: object) -> None:
    """Print a JSON document."""
    typer.echo(
        orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
    )


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; every cell is shown as it is."""
    shown = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(escape(str(cell)) for cell in row))
    console().print(shown)


def show_findings(
    found: Sequence[Finding], *, as_json: bool, gate: str, facts: dict[str, object] | None = None
) -> None:
    """Print what one gate found and exit with its code."""
    outcome = outcome_of(tuple(found))
    if as_json:
        emit(
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
    if outcome is not Outcome.PASS:
        raise typer.Exit(EXIT_CODES[outcome])


def show_verdict(verdict: Verdict) -> None:
    """Print the verdict's page."""
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
        said = (
            _OUTCOMES[result.outcome] if ran or result.findings else f"[dim]{result.state.value}[/]"
        )
        shown.add_row(
            result.gate, said, str(len(result.findings)), escape(headline(result) or result.reason)
        )
    out.print(shown)
    _print_findings(verdict.findings)
    out.print(f"verdict: {_OUTCOMES[verdict.outcome]}")


def _print_findings(found: Sequence[Finding]) -> None:
    out = console()
    for entry in found:
        row = finding_document(entry)
        out.print(
            f"[{_COLOURS[entry.severity]}]{entry.severity.value}[/] [bold]{escape(entry.code)}[/] {escape(entry.path)}"
        )
        out.print(f"  {escape(entry.message)}")
        out.print(f"  fix: {escape(entry.fix)}")
        out.print(
            f"  [dim]{entry.team}, respond {row['response']}, resolve {row['resolution']}, "
            f"{row['escalation']}; guide {row['guide']}[/]"
        )
