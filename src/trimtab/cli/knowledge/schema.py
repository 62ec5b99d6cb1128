"""`knowledge schema`: print the tables as SQL; works without a service."""

import typer

from trimtab.cli.runtime.console import printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command()
def schema(context: typer.Context, json: Json = False) -> None:
    """Print `schema.sql`, which creates an empty knowledge database of this release."""
    from trimtab.knowledge.schema import schema_sql

    sql = schema_sql()
    if not printed_as_json(session_of(context), {"sql": sql}):
        typer.echo(sql, nl=False)
