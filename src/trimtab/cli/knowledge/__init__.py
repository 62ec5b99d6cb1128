"""`knowledge`: maintain the documents, move projects, measure search."""

import typer

from trimtab.cli.knowledge import (
    cache_trial,
    contradictions,
    disk,
    engines,
    evaluate,
    ingest,
    maintenance,
    schema,
    warm,
)

app = typer.Typer(no_args_is_help=True)
for _module in (evaluate, maintenance, disk, engines, warm, cache_trial, contradictions, schema):
    app.add_typer(_module.app)
# Its former name; `trimtab ingest` is the command.
app.command("ingest", hidden=True)(ingest.ingest)
