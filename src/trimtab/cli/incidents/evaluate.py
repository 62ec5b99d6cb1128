"""`incidents evaluate`: measure root-cause ranking on labelled cases."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)


@app.command("evaluate")
def evaluate(
    context: typer.Context,
    rca: Annotated[Path, typer.Option(help="Folder of labelled root-cause cases.", exists=True)],
    json: Json = False,
) -> None:
    """Measure root-cause ranking on labelled cases and on normal windows; needs no service."""
    from trimtab.incidents.rca.evaluate import evaluate as measure

    session = session_of(context)
    scores = measure(rca)
    if printed_as_json(session, {"sets": [asdict(score) for score in scores]}):
        return
    print_table(
        ("set", "cases", "first", "among 3", "answered", "wrong", "specificity", "p95"),
        (
            (
                each.name,
                str(each.cases),
                f"{each.at_1:.3f}",
                f"{each.at_3:.3f}",
                f"{each.answered:.3f}",
                f"{each.wrong:.3f}",
                f"{each.specificity:.3f} of {each.normal_windows}",
                f"{each.p95_seconds:.3f} s",
            )
            for each in scores
        ),
    )
    for each in scores:
        summary = ", ".join(f"{method.method} {method.at_1:.3f}" for method in each.methods)
        print_line(f"{each.name}, first by shifts alone: {summary}")
