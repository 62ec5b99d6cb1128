"""`answers`: measure how well questions are answered. Works on files, needs no running service."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.output import print_line, printed_as_json
from trimtab.cli.session import Json, session

app = typer.Typer(help="Measure how well questions are answered.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `evaluate` a sub-command although it is the only one."""


@app.command("evaluate")
def evaluate(
    context: typer.Context,
    set_: Annotated[
        Path,
        typer.Option("--set", help="A folder with a data.jsonl of question, context, answers."),
    ],
    json: Json = False,
) -> None:
    """Ask each question of its own context and of another one."""
    from trimtab.answers.evaluate import evaluate as measure
    from trimtab.answers.evaluate import read

    report = measure(read(set_)).as_dict()
    if not printed_as_json(session(context), report):
        for name, value in report.items():
            print_line(f"{name}: {'-' if value is None else value}")
