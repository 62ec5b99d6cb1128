"""`guardrails`: measure and train the guards; works without a running service."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)


@app.command("evaluate")
def evaluate(
    context: typer.Context,
    set_: Annotated[Path, typer.Option("--set", help="A folder with a data.jsonl.")],
    json: Json = False,
) -> None:
    """Measure a guard on labelled texts; the fields of the set select the guard."""
    from trimtab.guardrails.evaluate import evaluate as measure
    from trimtab.guardrails.naming import name_detector
    from trimtab.guardrails.pii import Finder

    names = name_detector(session_of(context).settings.guardrails)
    _show(context, measure(set_, Finder(names).find))


@app.command("train")
def train(
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="The folder that holds the training sets.")],
    json: Json = False,
) -> None:
    """Train the shipped weights of the injection and grounding guards; needs `make dev`."""
    from trimtab.guardrails.grounding import model as grounding_model
    from trimtab.guardrails.grounding.train import train as train_grounding
    from trimtab.guardrails.injection import model as injection_model
    from trimtab.guardrails.injection.train import train as train_injection

    report: dict[str, object] = {
        "injection": train_injection(data, injection_model.WEIGHTS).as_dict(),
        "grounding": train_grounding(data, grounding_model.WEIGHTS).as_dict(),
    }
    _show(context, report)


def _show(context: typer.Context, report: dict[str, object]) -> None:
    if printed_as_json(session_of(context), report):
        return
    for name, value in report.items():
        for line in _lines(name, value):
            print_line(line)


def _lines(name: str, value: object, indent: str = "") -> list[str]:
    if not isinstance(value, dict):
        return [f"{indent}{name}: {'-' if value is None else value}"]
    inner = [line for key, part in value.items() for line in _lines(str(key), part, indent + "  ")]
    return [f"{indent}{name}:", *inner]
