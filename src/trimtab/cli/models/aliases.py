"""`models alias`, `promote`, `rollback`: decide which version serves."""

from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, Session, Yes, confirm, session_of

app = typer.Typer()

Reason = Annotated[str, typer.Option(help="Why, for the log of aliases.")]


@app.command()
def alias(
    context: typer.Context,
    name: str,
    alias: Annotated[str, typer.Argument(help="production, candidate or previous.")],
    version: Annotated[int | None, typer.Argument(help="Nothing removes the alias.")] = None,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Let an alias point to a version, after its golden batch was reproduced."""
    session = session_of(context)
    body = session.client.call(
        "PUT", f"/v1/models/{name}/aliases/{alias}", body={"version": version, "reason": reason}
    )
    _print_moves(session, body)


@app.command()
def promote(
    context: typer.Context, name: str, version: int, reason: Reason = "", json: Json = False
) -> None:
    """Let a version serve; the one that serves now becomes `previous`."""
    session = session_of(context)
    body = session.client.call(
        "POST", f"/v1/models/{name}/promote", body={"version": version, "reason": reason}
    )
    _print_moves(session, body)


@app.command()
def rollback(
    context: typer.Context,
    name: str,
    reason: Reason = "",
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Let the previous version serve again; no request is lost."""
    session = session_of(context)
    confirm(f"Let the previous version of {name} serve again?", yes=yes)
    body = session.client.call("POST", f"/v1/models/{name}/rollback", body={"reason": reason})
    _print_moves(session, body)


def _print_moves(session: Session, body: dict[str, Any]) -> None:
    if printed_as_json(session, body):
        return
    if not body["moves"]:
        print_line("Nothing to move: it points there already.")
    for move in body["moves"]:
        target = "nothing" if move["version"] is None else f"version {move['version']}"
        former = "" if move["previous"] is None else f" (before: version {move['previous']})"
        print_line(f"{move['alias']} points to {target}{former}.")
