"""Prints results: JSON for programs, text and tables for people."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trimtab.cli.runtime.errors import visible_controls
from trimtab.cli.runtime.session import Session

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, Task


_LINE_SECONDS = 10.0
"""Between two lines of progress."""
_PIPE_WIDTH = 500
"""Columns of a table in a pipe, so that programs do not read wrapped words."""


# JSON escapes the lower control characters alone; a terminal would obey these too.
_ESCAPES = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def print_json(body: object, *, pretty: bool = False) -> None:
    """Print one JSON value; on a terminal always indented."""
    indent = 2 if pretty or sys.stdout.isatty() else None
    sys.stdout.write(json.dumps(body, ensure_ascii=False, indent=indent).translate(_ESCAPES))
    sys.stdout.write("\n")


def console(*, stderr: bool = False, pipe_width: int | None = None) -> "Console":
    """Return a console for results, or for errors and progress.

    Control characters of documents, questions and alerts are shown as signs: a terminal would obey
    them. In a pipe its lines are not wrapped, and its tables are `pipe_width` columns wide.
    """
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class SafeConsole(Console):
        """A console whose texts cannot steer the terminal."""

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                safe = segment.control or segment.text.isprintable()
                yield segment if safe else Segment(visible_controls(segment.text), segment.style)

    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    width = None if is_terminal else pipe_width
    return SafeConsole(stderr=stderr, highlight=False, soft_wrap=not is_terminal, width=width)


def print_line(text: str, style: str = "", *, stderr: bool = False) -> None:
    """Print one line; text in brackets is not taken for markup."""
    console(stderr=stderr).print(text, style=style or None, markup=False, soft_wrap=True)


def format_time(iso: str) -> str:
    """Return an ISO time of the service to the second, with its zone: ``2026-11-30 23:51:01 UTC``.

    Empty stays empty.
    """
    if not iso:
        return ""
    at = datetime.fromisoformat(iso)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table that fits the terminal; on a narrow one, a few lines for each row."""
    from rich.table import Table
    from rich.text import Text

    cells = [[_format_cell(value) for value in row] for row in rows]
    output = console(pipe_width=_PIPE_WIDTH)
    if not fits(columns, cells, output.width):
        print_records(output, columns, cells)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for index, column in enumerate(columns):
        # Names are in the first column and are copied from there, so they must not be wrapped.
        table.add_column(column, overflow="fold", no_wrap=index == 0)
    for row in cells:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    output.print(table, soft_wrap=False)
    if not cells and output.is_terminal:
        output.print("none", style="dim")


_READABLE = 12
"""Columns of text below which a wrapped cell is hard to read."""
_BETWEEN = 2
"""Columns of space between two cells."""


def fits(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> bool:
    """Return whether the first column fits whole, and each other one whole or in readable lines."""
    widest = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    needed = widest[0] + sum(min(each, _READABLE) for each in widest[1:])
    return needed + _BETWEEN * (len(columns) - 1) <= width


def print_records(output: "Console", columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print each row as its first cell and, below it, the names and values of the others."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    names = max((len(column) for column in columns[1:]), default=0)
    for first, *others in rows:
        output.print(first, style="bold", markup=False, soft_wrap=True)
        record = Table.grid(padding=(0, _BETWEEN))
        record.add_column(width=names)
        record.add_column(overflow="fold")
        for column, cell in zip(columns[1:], others, strict=True):
            if cell:
                record.add_row(Text(column, style="dim"), Text(cell, style=_STYLES.get(cell, "")))
        output.print(Padding(record, (0, 0, 0, _BETWEEN)), soft_wrap=False)


def _format_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    # Here and not only by the console, which measures a sign and a control character differently.
    return f"{value:g}" if isinstance(value, float) else visible_controls(str(value))


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


def progress_bar() -> "Progress":
    """Return a progress bar on standard error; it shows nothing without a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    error_console = console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        console=error_console,
        transient=True,
        disable=not error_console.is_terminal,
    )


def rate_bar() -> "Progress":
    """Return a progress bar with rate and time left; its tasks have the fields files and of."""
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """Files a second since the start."""

        def render(self, task: "Task") -> Text:
            files, elapsed = task.fields["files"], task.elapsed or 0.0
            return Text(f"{files / elapsed:.1f} files/s" if files and elapsed else "")

    error_console = console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[files]}/{task.fields[of]} files"),
        Rate(),
        TimeRemainingColumn(),
        console=error_console,
        transient=True,
        disable=not error_console.is_terminal,
    )


class ProgressLines:
    """Lines on standard error that say how far long work is, where no terminal shows a bar.

    Args:
        files: How many files there are.
        enabled: False prints nothing.
        now: The time in seconds.
    """

    def __init__(
        self, files: int, *, enabled: bool, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._files, self._enabled, self._now = files, enabled, now
        self._started = self._last = now()

    def update(self, done: int) -> None:
        """Print a line if the last one is ten seconds old and files are left."""
        now = self._now()
        if not self._enabled or done >= self._files or now - self._last < _LINE_SECONDS:
            return
        self._last = now
        rate = done / (now - self._started)
        print_line(f"{done}/{self._files} files, {rate:.1f} files/s", stderr=True)


@contextmanager
def waiting(reason: str) -> Iterator[None]:
    """Show a spinner with the reason on a terminal's standard error."""
    error_console = console(stderr=True)
    if not reason or not error_console.is_terminal:
        yield
        return
    with error_console.status(reason):
        yield
