"""`guardrails`: measure and train the guards; works without a running service."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.evaluation.load_report import Baselines, finish_load
from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)


@app.command("evaluate")
def evaluate(
    context: typer.Context,
    set_: Annotated[Path, typer.Option("--data", help="A folder with a data.jsonl.")],
    json: Json = False,
) -> None:
    """Measure a guard on labelled texts; the fields of the set select the guard."""
    from trimtab.guardrails.evaluate import evaluate as measure
    from trimtab.guardrails.naming import name_detector
    from trimtab.guardrails.pii import Finder

    names = name_detector(session_of(context).settings.guardrails)
    _show(context, measure(set_, Finder(names).find))


@app.command("load-test")
def load_test(
    context: typer.Context,
    checks: Annotated[int, typer.Option(min=1, help="How many texts are checked.")] = 200,
    concurrency: Annotated[int, typer.Option(min=1, max=500, help="How many at a time.")] = 5,
    texts: Annotated[Path | None, typer.Option(help="A text file, one question a line.")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="docs/baselines/guardrails-baseline.json")
    ] = None,
    write_baseline: Annotated[Path | None, typer.Option(help="Keep this run as baseline.")] = None,
    json: Json = False,
) -> None:
    """Check many texts at once; exit 1 on an undecided text or when p95 grew by over 20 %.

    Each check passes all guards of a question, of a passage and of an answer, without the verdict
    caches. A guard that fails or exceeds the deadline counts as an error under its name.
    """
    from trimtab.evaluation.offline import run_load
    from trimtab.guardrails.load_test import TEXTS, GuardLoad, unstored_guardrails
    from trimtab.kernel.clock import SystemClock

    session, clock = session_of(context), SystemClock()
    lines = _lines_of(texts) if texts else TEXTS
    with closing(unstored_guardrails(session.settings.guardrails, clock)) as guardrails:
        load = GuardLoad(guardrails)
        report = run_load(load.check, lines, (checks, concurrency), clock)
        report = replace(report, errors=load.failures())
    finish_load(session, report, Baselines(baseline, write_baseline))


def _lines_of(file: Path) -> list[str]:
    """Return the lines of the file that are not blank."""
    from trimtab.kernel.errors import InvalidInput

    try:
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}.") from error
    if not lines:
        raise InvalidInput(f"{file} holds no text.", hint="Write one question a line, in UTF-8.")
    return lines


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
