"""`knowledge schema`: print the tables as SQL; works without a service."""

import typer

app = typer.Typer()


@app.command()
def schema() -> None:
    """Print `schema.sql`, which creates an empty knowledge database of this release."""
    from trimtab.knowledge.schema import schema_sql

    typer.echo(schema_sql(), nl=False)
