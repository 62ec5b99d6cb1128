"""`serve`, `status`, `settings`, `console`: the service itself."""

import gc
from dataclasses import asdict

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command()
def serve(context: typer.Context) -> None:
    """Start the service, its console and its monitor; Ctrl-C stops it."""
    # Objects of the start stay alive; collecting garbage meanwhile is a tenth of the start time.
    # `run` enables it again.
    gc.disable()
    from trimtab.app import build
    from trimtab.cli.runtime.serving import run

    run(build, session_of(context).settings)


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """Show the state of each component."""
    session = session_of(context)
    body = session.client.call("GET", "/health")
    if not printed_as_json(session, body):
        where = (
            "no service is running; checked in this process" if session.client.in_process else ""
        )
        print_line(
            f"trimtab {body['version']} is {body['status']}" + (f" ({where})" if where else "")
        )
        print_table(
            ("component", "status", "ms", "detail"),
            (
                (name, found["status"], found["latency_ms"], found.get("error", ""))
                for name, found in body["components"].items()
            ),
        )
    if body["status"] == "down":
        raise typer.Exit(Exit.FAILED)


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
