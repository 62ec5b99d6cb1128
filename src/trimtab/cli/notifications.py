"""`notifications`: test the channels, list deliveries, send dead letters again."""

from typing import Annotated

import typer

from trimtab.cli.runtime.console import format_time, print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)


@app.command("test")
def try_channels(
    context: typer.Context,
    channel: Annotated[
        str, typer.Argument(help="slack, email, pagerduty, github or webhook; each by default.")
    ] = "",
    json: Json = False,
) -> None:
    """Send a test message; exit 1 if a channel fails or none is configured."""
    session = session_of(context)
    body = session.client.call("POST", "/v1/notifications/test", body={"channel": channel})
    if not printed_as_json(session, body):
        for result in body["results"]:
            print_line(f"{result['channel']}: {result['error'] or 'delivered'}")
        if body["message"]:
            print_line(body["message"])
    if not body["results"] or any(result["error"] for result in body["results"]):
        raise typer.Exit(Exit.FAILED)


@app.command("list")
def list_deliveries(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="delivered, retrying or dead.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    json: Json = False,
) -> None:
    """List what was delivered to which channel, newest first."""
    session = session_of(context)
    params = {"state": state, "limit": limit}
    body = session.client.call("GET", "/v1/notifications", params=params)
    if printed_as_json(session, body):
        return
    print_line(f"Channels: {', '.join(body['channels']) or 'none'}. {body['message']}".strip())
    print_table(
        ("message", "channel", "state", "attempts", "at", "error"),
        (
            (
                d["message"],
                d["channel"],
                d["state"],
                d["attempts"],
                format_time(d["at"]),
                d["last_error"],
            )
            for d in body["deliveries"]
        ),
    )


@app.command("replay")
def replay(
    context: typer.Context,
    message: Annotated[int, typer.Argument(help="Its number; 0 means all.")] = 0,
    json: Json = False,
) -> None:
    """Send dead letters again, one or all."""
    session = session_of(context)
    path = f"/v1/notifications/{message}/replay" if message else "/v1/notifications/replay"
    body = session.client.call("POST", path)
    if not printed_as_json(session, body):
        print_line(f"{body['messages']} messages are sent again.")
