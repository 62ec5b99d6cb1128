"""`move-to`: move the installation to PostgreSQL, or back to SQLite."""

from typing import TYPE_CHECKING, Annotated

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json, progress_bar
from trimtab.cli.runtime.interrupts import postponed
from trimtab.cli.runtime.session import Json, session_of
from trimtab.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from trimtab.app.move import RelocationResult

app = typer.Typer()
_STEPS = {
    "look": "reading",
    "copy": "copying",
    "check": "reading back",
    "search": "searching",
}


@app.command("move-to")
def move_to(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="postgresql://user:password@host:5432/database, or sqlite:"
        ),
    ],
    dry_run: Annotated[bool, typer.Option(help="Only show what would be moved.")] = False,
    strip_nul: Annotated[
        bool, typer.Option(help="Move texts without their NUL characters.")
    ] = False,
    json: Json = False,
) -> None:
    """Move all data to PostgreSQL, or back to SQLite, with proof; no service may run."""
    from trimtab.app.move import MoveContext, move
    from trimtab.kernel.clock import SystemClock

    session = session_of(context)
    if session.url:
        raise InvalidInput(
            "`move-to` works on a data directory, not on a service.",
            hint="Stop the service, then run it on its machine without --url.",
        )
    with progress_bar() as bar:
        found = move(
            MoveContext(session.settings, SystemClock(), _Bars(bar), dry_run, strip_nul, postponed),
            target,
        )
    if not printed_as_json(session, found.as_dict()):
        _show(found)


class _Bars:
    """Shows each table on a terminal; in a pipe, a line for each table that was copied."""

    def __init__(self, bar: "Progress") -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: str, table: str, rows: int, of: int) -> None:
        if step not in self._tasks:
            self._tasks[step] = self._bar.add_task(_STEPS[step])
        total = max(rows, of)
        self._bar.update(
            self._tasks[step],
            description=f"{_STEPS[step]} {table}",
            completed=rows,
            total=total or None,
        )
        if self._bar.disable and step == "copy" and rows >= of:
            print_line(f"copied {table}: {rows} rows", stderr=True)


def _show(found: "RelocationResult") -> None:
    full = [(name, facts) for name, facts in found.tables.items() if facts["rows"]]
    print_table(
        ("table", "rows", "SHA-256"),
        ((name, facts["rows"], str(facts["sha256"])[:16]) for name, facts in full),
    )
    verb = "Would move" if found.dry_run else "Moved"
    print_line(f"{verb} {found.rows} rows of {len(found.tables)} tables, from {found.source}")
    print_line(f"to {found.target}.")
    if found.changed_texts:
        print_line(f"NUL characters were taken from {found.changed_texts} texts.", "yellow")
    chain = f"the audit chain of {found.audit_events} events ends with {found.audit_head[:16]}"
    if found.dry_run:
        print_line(f"It fits the target; {chain}. Nothing was written.")
        return
    print_line(
        f"Equal on both sides: every table, {found.seals} checksums, {found.searches} searches;"
        f" {chain}."
    )
    if found.target.startswith("postgresql:"):
        print_line(
            "Set TRIMTAB_SERVICE_DATABASE_URL to the address with its password, then start"
            " trimtab on the same data directory; only its SQLite files are no longer used."
        )
    else:
        print_line("Unset service.database_url, then start trimtab.")
