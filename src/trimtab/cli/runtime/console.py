"""How results are printed: JSON for programs, tables for people."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from trimtab.cli.runtime.session import Session

if TYPE_CHECKING:
    from rich.console import Console


_PIPE_WIDTH = 500


def print_json(body: object) -> None:
    """Print one JSON value."""
    sys.stdout.write(
        json.dumps(body, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)
    )
    sys.stdout.write("\n")


def console() -> "Console":
    """Return the terminal that results are written to."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def print_line(text: str, style: str = "") -> None:
    """Print one line; text in brackets is no markup."""
    console().print(text, style=style or None, markup=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table that fits the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # A pipe has no width: what reads it must not find words cut in the middle.
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=place == 0)  # Names are copied whole.
    for row in rows:
        cells = [_shown(value) for value in row]
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in cells))
    Console(highlight=False, width=width).print(table)


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


_STYLES = {
    "up": "green",
    "ok": "green",
    "resolved": "green",
    "degraded": "yellow",
    "pending": "yellow",
    "approval": "yellow",
    "down": "bold red",
    "firing": "bold red",
    "escalated": "bold red",
}


def printed_as_json(session: Session, body: object) -> bool:
    """Print the body as JSON if the session asks for it; return whether it did."""
    if session.json:
        print_json(body)
    return session.json
