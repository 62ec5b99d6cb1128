"""`serve`, `status`, `settings`, `console`: the service itself."""

import gc
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.interrupts import ending_at_once
from trimtab.cli.runtime.session import Json, Session, SetOptions, session_of, settings_of
from trimtab.kernel.errors import TrimtabError

app = typer.Typer()


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port; 0 takes a free one.", show_default="8000"),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="The data directory; it is created.", show_default="data")
    ] = None,
    roles: Annotated[
        str | None,
        typer.Option(help="The work of this process, separated by commas.", show_default="all"),
    ] = None,
    set_: SetOptions = None,
    json: Json = False,
) -> None:
    """Start the service, its console and its monitor; Ctrl-C stops it.

    Examples:
    trimtab serve

    trimtab serve --port 9000 --data-dir /srv/trimtab

    trimtab serve --set knowledge.log_queries=false

    trimtab serve --roles gateway,operator --port 8000
    """
    session = session_of(context)
    given = {"host": host, "port": port, "data_dir": data_dir, "roles": roles}
    flags = {f"service.{name}": str(value) for name, value in given.items() if value is not None}
    session.flags = {**session.flags, **settings_of(set_), **flags}
    human = sys.stderr.isatty() and not session.json
    if human:
        sys.stderr.write("Starting trimtab; a first start takes some seconds more.\n")
        sys.stderr.flush()
    # Objects of the start stay alive; collecting garbage meanwhile is a tenth of the start time.
    # `run` enables it again.
    gc.disable()
    with ending_at_once():
        from trimtab.app import build
        from trimtab.cli.runtime.serving import run

    run(build, session.settings, human=human)


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """Show the state of each component; exit 6 when no service is running."""
    session = session_of(context)
    if not session.url and session.running_directory() is None:
        from trimtab.cli.runtime.connect import NoService

        raise NoService("No trimtab service is running.")
    body = session.client.call("GET", "/health")
    outside = _breakers(session)
    if not printed_as_json(session, {**body, "dependencies": outside}):
        print_line(f"trimtab {body['version']} is {body['status']}")
        print_table(
            ("component", "status", "ms", "detail"),
            (
                (name, found["status"], found["latency_ms"], found.get("error", ""))
                for name, found in body["components"].items()
            ),
        )
        if outside:
            print_table(("service outside", "circuit breaker"), outside.items())
    if body["status"] == "down":
        raise typer.Exit(Exit.FAILED)


def _breakers(session: Session) -> dict[str, str]:
    """Return the state of each service outside; none for a caller who may not read signals."""
    params = {"name": "service.dependency.breaker"}
    try:
        found = session.client.call("GET", "/v1/signals", params=params)["signals"][0]
    except TrimtabError:
        return {}
    words = {0.0: "closed", 0.5: "half-open: one call tries it", 1.0: "open: it is not called"}
    return {s["labels"]["dependency"]: words[s["value"]] for s in found["samples"]}


@app.command()
def settings(context: typer.Context, json: Json = False) -> None:
    """List every setting in force, its unit and its environment variable."""
    session = session_of(context)
    from trimtab.api.settings import settings_table

    table = settings_table(session.settings)
    if not printed_as_json(session, {"settings": [asdict(row) for row in table]}):
        print_table(
            ("setting", "value", "unit", "variable", "help"),
            (
                (
                    row.name,
                    row.value,
                    row.unit,
                    f"TRIMTAB_{row.name}".replace(".", "_").upper(),
                    row.help,
                )
                for row in table
            ),
        )


@app.command()
def console(context: typer.Context, json: Json = False) -> None:
    """Print a link that signs your browser in to the console once."""
    session = session_of(context)
    body = session.client.call("POST", "/v1/sign-in-links")
    if not printed_as_json(session, body):
        print_line(body["url"])
