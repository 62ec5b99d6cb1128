"""`ask`, `traces`, `answers`: answers, how they came about, and how good they are."""

from collections.abc import Mapping
from json import loads
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Refused
from trimtab.cli.runtime.session import Json, Session, session

traces_app = typer.Typer(help="How answers came about.", no_args_is_help=True)
answers_app = typer.Typer(help="Measure how well questions are answered.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(ask)
    app.add_typer(traces_app, name="traces")


def ask(
    context: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's name.")],
    question: str,
    top_k: Annotated[int, typer.Option(help="How many passages to look at.")] = 5,
    stream: Annotated[
        bool, typer.Option("--stream", help="Show each sentence as soon as it is there.")
    ] = False,
    json: Json = False,
) -> None:
    """Answer a question from a project's documents, with the source of every sentence."""
    this = session(context)
    asked = {"project": project, "question": question, "top_k": top_k}
    if stream:
        body = _streamed(this, asked)
    else:
        body = this.client.call("POST", "/v1/answers", body=asked)
        if not this.json:
            print_line(body["text"], style="" if body["found"] else "yellow")
    if not printed_as_json(this, body):
        _print_sources(body)


def _streamed(this: Session, asked: Mapping[str, object]) -> Any:
    """Print the sentences as they come; return the whole answer."""
    body: Any = None
    for event in this.client.events("/v1/answers/stream", asked):
        said = loads(event.data)
        if event.name == "error":
            raise Refused(said["error"])
        if event.name == "answer":
            body = said
        elif not this.json:
            print_line(said["text"])
    if body is None:
        raise Refused({"message": "The service ended the stream without an answer.", "hint": ""})
    if not body["found"] and not this.json:
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
        print_line("Found by words only: the embedding model is down.", style="yellow")
    if body["notice"]:
        print_line(body["notice"], style="yellow")
    print_line(f"trace {body['trace_id']}", style="dim")


@traces_app.command("list")
def list_traces(
    context: typer.Context,
    limit: int = 20,
    project: str = "",
    below: Annotated[float, typer.Option(help="Only answers supported less than that.")] = 1.0,
    json: Json = False,
) -> None:
    """List the newest answers first."""
    this = session(context)
    params = {"limit": limit, "below": below, **({"project": project} if project else {})}
    body = this.client.call("GET", "/v1/traces", params=params)
    if not printed_as_json(this, body):
        print_table(
            ("trace", "project", "found", "question"),
            (
                (t["id"], t["answer"]["project"], t["answer"]["found"], t["answer"]["question"])
                for t in body["traces"]
            ),
        )


@traces_app.command("show")
def show_trace(context: typer.Context, trace_id: str, json: Json = False) -> None:
    """Show the stages of one answer."""
    this = session(context)
    body = this.client.call("GET", f"/v1/traces/{trace_id}")
    if printed_as_json(this, body):
        return
    print_line(body["answer"]["question"], style="bold")
    print_line(body["answer"]["text"])
    print_table(
        ("stage", "outcome", "ms", "facts"),
        (
            (
                s["name"],
                s["outcome"],
                s["duration_ms"],
                " ".join(f"{k}={v}" for k, v in s["facts"].items()),
            )
            for s in body["stages"]
        ),
    )


@answers_app.command("evaluate")
def evaluate(
    context: typer.Context,
    set_: Annotated[
        Path,
        typer.Option("--set", help="A folder with a data.jsonl of question, context, answers."),
    ],
    json: Json = False,
) -> None:
    """Ask each question of its own context and of another one."""
    from trimtab.evaluation.offline.question_answering import evaluate as measure
    from trimtab.evaluation.offline.question_answering import read

    report = measure(read(set_)).as_dict()
    if not printed_as_json(session(context), report):
        for name, value in report.items():
            print_line(f"{name}: {'-' if value is None else value}")
