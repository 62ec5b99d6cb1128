"""`models earnings`: read the statements of an earnings report or call."""

import json as json_text
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trimtab.cli.runtime.console import print_json, print_line, print_table
from trimtab.cli.runtime.session import Json, session_of
from trimtab.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from trimtab.models.trained.earnings.analyzer import EarningsReport

app = typer.Typer()

_COLUMNS = ("metric", "amount", "unit", "period", "direction", "nature", "words")


@app.command()
def earnings(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="A text, or JSON Lines with id and text of several calls.",
            exists=True,
            dir_okay=False,
        ),
    ],
    json: Json = False,
) -> None:
    """Read each statement of an earnings report or call, and its overall score.

    With `--json` a text gives one object; JSON Lines give one line for each sentence, with the id
    as `call` and offsets in characters of the text.
    """
    from trimtab.models.trained.earnings.analyzer import analyse
    from trimtab.models.trained.earnings.predictor import TONE_FILE
    from trimtab.models.trained.earnings.tone import ToneModel
    from trimtab.models.trained.shipped import shipped_folder

    session = session_of(context)
    tone = ToneModel.from_bytes((shipped_folder("earnings-analyzer") / TONE_FILE).read_bytes())
    if file.suffix == ".jsonl":
        for call, text in _calls(file):
            for sentence in analyse(text, tone).sentences:
                line = {"call": call, **sentence.to_json()}
                sys.stdout.write(json_text.dumps(line, ensure_ascii=False) + "\n")
        return
    text = _read(file)
    report = analyse(text, tone)
    if session.json:
        print_json(report.details())
    else:
        _show(text, report)


def _show(text: str, report: "EarningsReport") -> None:
    print_line(f"score {report.score:+.2f} (-1 bad news, +1 good news)", style="bold")
    for sentence in report.evidence:
        print_line(f"{sentence.tone}: {sentence.text}")
    print_table(
        _COLUMNS,
        (
            (
                s.metric,
                f"{s.amount:g}",
                s.unit,
                s.period,
                s.direction,
                s.nature,
                text[s.start : s.end],
            )
            for sentence in report.sentences
            for s in sentence.statements
        ),
    )


def _calls(file: Path) -> Iterator[tuple[str, str]]:
    from trimtab.models.trained.datasets import read_json_lines

    for number, record in read_json_lines(file):
        text = record.get("text")
        if not isinstance(text, str):
            raise InvalidInput(f"{file.name}, line {number}: there is no text.")
        yield str(record.get("id", number)), text


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}.", hint="Give a UTF-8 text.") from error
