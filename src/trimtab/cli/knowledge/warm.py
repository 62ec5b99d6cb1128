"""`knowledge warm`: warm the query cache."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of
from trimtab.kernel.errors import InvalidInput

app = typer.Typer()

_ALL = "all"


@app.command()
def warm(
    context: typer.Context,
    project: Annotated[str, typer.Option(help="Only this project.")] = _ALL,
    top_queries: Annotated[
        int, typer.Option(help="Maximum number of queries.", min=1, max=100_000)
    ] = 1000,
    queries_file: Annotated[
        Path | None,
        typer.Option(
            help="One query a line, also as `sort | uniq -c` counts them; else the most frequent."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Warm the cache with the most frequent queries, or those of a file."""
    session = session_of(context)
    request = {
        "project": "" if project == _ALL else project,
        "top": top_queries,
        "queries": _read(queries_file) if queries_file else None,
    }
    body = session.client.call("POST", "/api/v1/cache/warm", body=request)
    if not printed_as_json(session, body):
        print_line(f"Answered {body['asked']} queries into the cache, skipped {body['skipped']}.")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read as text.", hint="Check the path.") from error
