"""`models predict`, `health`: ask what serves."""

import math
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.models.sample import read_rows
from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command()
def predict(
    context: typer.Context,
    name: str,
    rows: Annotated[
        Path, typer.Argument(help="Rows as CSV, JSON or JSON Lines.", exists=True, dir_okay=False)
    ],
    label: Annotated[str, typer.Option(help="A column of the file to leave out.")] = "",
    version: Annotated[str, typer.Option(help="candidate or previous instead of production.")] = "",
    json: Json = False,
) -> None:
    """Predict the rows of a file with what serves."""
    session = session_of(context)
    found, _ = read_rows(rows, label)
    clean = [
        {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in row.items()
        }
        for row in found
    ]
    body = session.client.call(
        "POST", f"/v1/models/{name}/predict", body={"rows": clean, "version": version}
    )
    if printed_as_json(session, body):
        return
    print_line(f"{body['served_by']} ({body['outcome']}), request {body['request_id']}")
    print_table(
        ("row", "label", "value", "confidence"),
        (
            (at, output.get("label", ""), output["value"], output["confidence"])
            for at, output in enumerate(body["outputs"])
        ),
    )


@app.command()
def health(context: typer.Context, name: str, json: Json = False) -> None:
    """Predict a known row with what serves; exit 1 if it fails or is not sure."""
    session = session_of(context)
    body = session.client.call("POST", f"/v1/models/{name}/health")
    if not printed_as_json(session, body):
        state = "healthy" if body["healthy"] else "not healthy"
        print_line(f"{name} is {state}: {body['detail'] or body['served_by']}")
    if not body["healthy"]:
        raise typer.Exit(Exit.FAILED)
