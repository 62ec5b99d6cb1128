"""`models`: register, serve, compare and watch trained models."""

import typer

from trimtab.cli.models import (
    aliases,
    canary,
    convert,
    drift,
    earnings,
    predict,
    register,
    registry,
    retraining,
    train,
)

app = typer.Typer(no_args_is_help=True)
# One module for each group of commands.
for _module in (
    registry,
    register,
    convert,
    aliases,
    predict,
    canary,
    drift,
    retraining,
    train,
    earnings,
):
    app.add_typer(_module.app)
