"""`search`: find passages."""

from typing import Annotated

import typer

from trimtab.cli.knowledge.lookup import Project
from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command()
def search(
    context: typer.Context,
    project: Project,
    query: str,
    top_k: Annotated[int, typer.Option(help="Number of passages, 1 to 100.")] = 5,
    json: Json = False,
) -> None:
    """Find the passages that answer a query."""
    session = session_of(context)
    body = session.client.call(
        "GET", f"/api/v1/search/{project}", params={"q": query, "top_k": top_k}
    )
    if printed_as_json(session, body):
        return
    if body["degraded_mode"]:
        print_line(f"Keywords only: {body['reason']}", style="yellow")
    for number, passage in enumerate(body["passages"], 1):
        place = f" · {passage['heading']}" if passage["heading"] else ""
        print_line(f"{number}. {passage['document_name']}{place}  ({passage['score']:.2f})", "bold")
        print_line(f"   {' '.join(passage['text'].split())[:300]}", style="dim")
