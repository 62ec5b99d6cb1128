"""`ask`: answer a question from a project's documents."""

from collections.abc import Mapping
from json import loads
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.errors import Refused
from trimtab.cli.runtime.session import Json, Session, session_of

app = typer.Typer()


@app.command()
def ask(
    context: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's name.")],
    question: str,
    top_k: Annotated[int, typer.Option(help="Number of passages to search.")] = 5,
    stream: Annotated[
        bool, typer.Option("--stream", help="Show each sentence as soon as it passes the guards.")
    ] = False,
    json: Json = False,
) -> None:
    """Answer a question from a project's documents, with the source of every sentence."""
    session = session_of(context)
    asked = {"project": project, "question": question, "top_k": top_k}
    if stream:
        body = _print_stream(session, asked)
    else:
        body = session.client.call("POST", "/v1/answers", body=asked)
        if not session.json:
            print_line(body["text"], style="" if body["found"] else "yellow")
    if not printed_as_json(session, body):
        _print_sources(body)


def _print_stream(session: Session, asked: Mapping[str, object]) -> Any:
    """Print the sentences as they arrive; return the whole answer."""
    body: Any = None
    for event in session.client.events("/v1/answers/stream", asked):
        data = loads(event.data)
        if event.event == "error":
            raise Refused(data["error"])
        if event.event == "answer":
            body = data
        elif not session.json:
            print_line(data["text"])
    if body is None:
        raise Refused({"message": "The stream ended without an answer.", "hint": ""})
    if not body["found"] and not session.json:
        print_line(body["text"], style="yellow")
    return body


def _print_sources(body: Any) -> None:
    for citation in body["citations"]:
        page = f", page {citation['page']}" if citation["page"] else ""
        heading = f" · {citation['heading']}" if citation["heading"] else ""
        print_line(
            f"[{citation['number']}] {citation['document_name']}{page}{heading}", style="cyan"
        )
    if body["degraded_mode"]:
        print_line(
            "Found by keywords only: a search by meaning was not possible or too late."
            " `trimtab status` shows the embedding model and the vector store.",
            style="yellow",
        )
    if body["notice"]:
        print_line(body["notice"], style="yellow")
    print_line(f"trace {body['trace_id']}", style="dim")
