"""`profile memory`: a bug report of the service's memory."""

from typing import Annotated

import typer

from trimtab.cli.incidents.inspect import require_service
from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)


@app.callback()
def profile() -> None:
    """Record where the running service's memory goes."""


@app.command()
def memory(
    context: typer.Context,
    seconds: Annotated[
        int, typer.Option(min=1, max=300, help="How long to record allocations.")
    ] = 30,
    json: Json = False,
) -> None:
    """Write a bug report: memray's capture and flame graph with the heap dump."""
    session = session_of(context)
    require_service(session)
    body = {"arguments": {"seconds": seconds}}
    done = session.client.call("POST", "/v1/actions/knowledge.memory.report", body=body)
    if not printed_as_json(session, done["facts"]):
        print_line(done["summary"])
        print_line("It lies in the data directory of the service: attach it to the bug report.")
