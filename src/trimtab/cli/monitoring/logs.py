"""`logs`: print the log from its files; works without a service."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli.monitoring.rules import seconds
from trimtab.cli.runtime.console import print_json, print_line
from trimtab.cli.runtime.session import Json, session_of
from trimtab.infra.telemetry.log_reader import LEVELS, LogFilter, Skipped, read_logs
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer()

_STANDARD = ("time", "level", "logger", "message")


@app.command()
def logs(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="How far back: 30m, 24h, 7d.")] = "24h",
    level: Annotated[str, typer.Option(help="The lowest level: error, warning, info.")] = "debug",
    component: Annotated[
        str,
        typer.Option(help="A component, such as knowledge, or a model, such as fraud-classifier."),
    ] = "",
    json: Json = False,
) -> None:
    """Print the log of the data directory, oldest line first."""
    session = session_of(context)
    if session.url:
        raise InvalidInput(
            "The log is read from the files of this machine, not over --url.",
            hint="Run the command where the service runs.",
        )
    if level.lower() not in LEVELS:
        raise InvalidInput(f"{level!r} is not a level.", hint=f"Write one of {', '.join(LEVELS)}.")
    begin = SystemClock().now() - timedelta(seconds=seconds(since))
    folder: Path = session.settings.service.data_dir / "logs"
    skipped = Skipped()
    for line in read_logs(folder, LogFilter(begin, level.lower(), component), skipped):
        if session.json:
            print_json(line)
        else:
            print_line(_text(line), "bold red" if line["level"] in ("ERROR", "CRITICAL") else "")
    if skipped.lines or skipped.files:
        typer.echo(
            f"Cannot read {skipped.lines} lines and the ends of {skipped.files} files.",
            err=True,
        )


def _text(line: dict[str, Any]) -> str:
    others = " ".join(f"{name}={value}" for name, value in line.items() if name not in _STANDARD)
    return f"{line['time']} {line['level']} {line['logger']} {line['message']} {others}".rstrip()
