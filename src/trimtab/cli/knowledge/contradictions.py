"""`knowledge contradictions`: list new statements that conflict with older documents."""

from typing import Annotated

import typer

from trimtab.cli.knowledge.lookup import Project
from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command("contradictions")
def contradictions(
    context: typer.Context,
    project: Project,
    days: Annotated[float, typer.Option(min=0.01, help="How far back documents are new.")] = 7.0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to list.")] = 50,
    json: Json = False,
) -> None:
    """List statements of new documents whose figures or negation conflict with older ones."""
    session = session_of(context)
    body = session.client.call(
        "GET",
        f"/api/v1/projects/{project}/contradictions",
        params={"days": days, "limit": limit},
    )
    if printed_as_json(session, body):
        return
    found = body["contradictions"]
    if not found:
        print_line(f"No document of the last {days:g} days conflicts with an older one.")
    for pair in found:
        print_line(f"{pair['kind']}:", "yellow")
        for name in ("new", "old"):
            place = pair[name]
            page = f", page {place['page']}" if place["page"] else ""
            print_line(f"  {name}  {place['document']}{page} ({place['at'][:10]}): {place['text']}")
