"""`knowledge schema`: the tables as SQL, for those who put a database together by hand. Needs no running service."""

import typer

app = typer.Typer()


@app.command()
def schema() -> None:
    """Print `schema.sql`: the statements that make an empty knowledge database of this release."""
    from trimtab.knowledge.schema import schema_sql

    typer.echo(schema_sql(), nl=False)
