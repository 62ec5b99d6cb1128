"""`answers reviews`: the answers that wait for a person's review."""

from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command()
def reviews(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    done: Annotated[
        str, typer.Option(metavar="TRACE", help="Remove this trace from the list.")
    ] = "",
    json: Json = False,
) -> None:
    """List the answers that need a review, and the reasons."""
    session = session_of(context)
    if done:
        session.client.call("POST", f"/v1/reviews/{done}/done")
        if not printed_as_json(session, {"trace_id": done, "done": True}):
            print_line(f"{done} is removed from the list.")
        return
    body = session.client.call("GET", "/v1/reviews", params={"limit": limit})
    if not printed_as_json(session, body):
        rows = ((r["trace_id"], r["reason"], r["at"]) for r in body["reviews"])
        print_table(("trace", "why", "given"), rows)
