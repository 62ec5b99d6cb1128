"""`incidents evaluate`: measure root-cause ranking and anomaly detection on labelled data."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of
from trimtab.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from trimtab.incidents.anomaly.evaluate import AnomalyScore
    from trimtab.incidents.rca.evaluate import SetScore

app = typer.Typer(no_args_is_help=True)


class NothingToEvaluate(InvalidInput):
    """No folder of labelled data was named."""

    code = "cli.nothing_to_evaluate"


@app.command("evaluate")
def evaluate(
    context: typer.Context,
    rca: Annotated[
        Path | None, typer.Option(help="Folder of labelled root-cause cases.", exists=True)
    ] = None,
    anomalies: Annotated[
        Path | None, typer.Option(help="Folder of labelled series, as NAB has them.", exists=True)
    ] = None,
    json: Json = False,
) -> None:
    """Measure root-cause ranking and anomaly detection on labelled data; needs no service."""
    from trimtab.incidents.anomaly.evaluate import evaluate_anomalies
    from trimtab.incidents.rca.evaluate import evaluate as measure

    session = session_of(context)
    if rca is None and anomalies is None:
        raise NothingToEvaluate(
            "No labelled data is named.", hint="Add --rca DIR or --anomalies DIR."
        )
    scores = measure(rca) if rca else []
    found = evaluate_anomalies(anomalies) if anomalies else None
    body = {
        "sets": [asdict(score) for score in scores],
        "anomalies": asdict(found) if found else None,
    }
    if printed_as_json(session, body):
        return
    if scores:
        _print_sets(scores)
    if found:
        _print_anomalies(found)


def _print_sets(scores: "list[SetScore]") -> None:
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


def _print_anomalies(found: "AnomalyScore") -> None:
    print_table(
        ("series of", "series", "windows", "found", "false alarms", "NAB standard"),
        (
            (
                each.name,
                str(each.series),
                str(each.windows),
                str(each.found),
                str(each.false_alarms),
                "-" if each.standard_score is None else f"{each.standard_score:.1f}",
            )
            for each in found.groups
        ),
    )
    print_line(
        f"NAB standard score of all: {found.standard_score:.2f};"
        f" {found.false_alarms_per_1000:.2f} false alarms per 1,000 values;"
        f" {found.values} values in {found.seconds:.1f} s"
    )
