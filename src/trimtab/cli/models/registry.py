"""`models list`, `versions`, `show`: look at the registry."""

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command(name="list")
def list_models(context: typer.Context, json: Json = False) -> None:
    """List the models and the version that serves."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/models")
    if printed_as_json(session, body):
        return
    if not body["models"]:
        print_line("No model is registered: `trimtab models register` adds one.")
        return
    print_table(
        ("name", "versions", "production", "candidate", "previous"),
        (
            (
                row["name"],
                row["versions"],
                *(row["aliases"].get(a) for a in ("production", "candidate", "previous")),
            )
            for row in body["models"]
        ),
    )


@app.command()
def versions(context: typer.Context, name: str, json: Json = False) -> None:
    """List the versions of a model and its aliases."""
    session = session_of(context)
    body = session.client.call("GET", f"/v1/models/{name}/versions")
    if not printed_as_json(session, body):
        print_table(
            ("version", "aliases", "flavour", "registered", "by", "sha256"),
            (
                (
                    row["version"],
                    ", ".join(row["aliases"]),
                    row["flavour"],
                    row["registered_at"][:19],
                    row["registered_by"],
                    row["sha256"][:12],
                )
                for row in body["versions"]
            ),
        )
