"""`maintenance`: announce and end maintenance."""

from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import format_time, print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)


@app.command("on")
def on(
    context: typer.Context,
    message: Annotated[str, typer.Option(help="The message for callers.")] = "",
    scope: Annotated[
        str, typer.Option(help="all, or writes to continue answering questions.")
    ] = "",
    json: Json = False,
) -> None:
    """Refuse writes and questions with 503 and a message; reads, alerts and health continue."""
    _put(context, {"on": True, "message": message, "scope": scope})


@app.command("off")
def off(context: typer.Context, json: Json = False) -> None:
    """Accept everything again."""
    _put(context, {"on": False})


@app.command("status")
def status(context: typer.Context, json: Json = False) -> None:
    """Show whether maintenance mode is on."""
    session = session_of(context)
    _show(context, session.client.call("GET", "/v1/maintenance"))


def _put(context: typer.Context, body: dict[str, Any]) -> None:
    _show(context, session_of(context).client.call("PUT", "/v1/maintenance", body=body))


def _show(context: typer.Context, state: dict[str, Any]) -> None:
    if printed_as_json(session_of(context), state):
        return
    if not state["on"]:
        print_line("Maintenance mode is off.")
        return
    by = f" by {state['by']} since {format_time(state['since'])}" if state["by"] else ""
    print_line(f"Maintenance mode is on for {state['scope']}{by}: {state['message']}")
