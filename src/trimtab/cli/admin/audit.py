"""`audit`: read and verify the audit chain."""

from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)


@app.command("verify")
def verify(
    context: typer.Context,
    anchor: Annotated[
        list[str] | None,
        typer.Option(help="A head kept elsewhere, SEQ:HASH; repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Verify chain, files and checkpoints; exit 1 if anything is missing or changed."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/audit/verify", params={"anchor": anchor or []})
    if not printed_as_json(session, body):
        for problem in body["problems"]:
            print_line(problem, style="red")
        for gap in body["gaps"]:
            print_line(f"to be reviewed: {gap}", style="yellow")
        verdict = "whole" if body["ok"] else "broken"
        print_line(
            f"{body['events']} events, {body['files']} files, {body['checkpoints']} checkpoints: "
            f"the chain is {verdict}; head {body['head']}"
        )
    if not body["ok"]:
        raise typer.Exit(Exit.FAILED)


@app.command("list")
def recent(context: typer.Context, limit: int = 20, json: Json = False) -> None:
    """List the newest events."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/audit", params={"limit": limit})
    if not printed_as_json(session, body):
        print_table(
            ("#", "at", "actor", "action", "subject", "facts"),
            (
                (e["seq"], e["at"], e["actor"], e["action"], e["subject"], e["facts"])
                for e in body["events"]
            ),
        )
