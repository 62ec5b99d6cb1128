"""`traces`: list answers and show the stages of one."""

from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_traces(
    context: typer.Context,
    limit: int = 20,
    project: str = "",
    below: Annotated[float, typer.Option(help="Only answers with a lower grounding score.")] = 1.0,
    json: Json = False,
) -> None:
    """List the newest answers first."""
    session = session_of(context)
    params = {"limit": limit, "below": below, **({"project": project} if project else {})}
    body = session.client.call("GET", "/v1/traces", params=params)
    if not printed_as_json(session, body):
        print_table(
            ("trace", "project", "found", "question"),
            (
                (t["id"], t["answer"]["project"], t["answer"]["found"], t["answer"]["question"])
                for t in body["traces"]
            ),
        )


@app.command("show")
def show_trace(context: typer.Context, trace_id: str, json: Json = False) -> None:
    """Show the stages of one answer."""
    session = session_of(context)
    body = session.client.call("GET", f"/v1/traces/{trace_id}")
    if printed_as_json(session, body):
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
