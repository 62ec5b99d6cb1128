"""`models drift`, `reference`, `observe`, `label`, `monitoring`: watch models that run anywhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, Session, session_of
from trimtab.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from trimtab.models.monitoring.profile import ReferenceProfile

app = typer.Typer()

_BATCH_LINES = 10_000
_BATCH_BYTES = 4 << 20
Data = Annotated[Path, typer.Option("--data", help="CSV with a header, or JSON lines (.jsonl).")]
Ignored = Annotated[
    list[str] | None, typer.Option("--ignore", help="A column that is not a feature; repeatable.")
]
Score = Annotated[str, typer.Option(help="The column of the model's scores in [0, 1].")]
Prediction = Annotated[str, typer.Option(help="The column of the predicted class.")]
LabelColumn = Annotated[str, typer.Option("--label", help="The column of the true class.")]
Positive = Annotated[str, typer.Option(help="The class that F1 is about.")]
Weights = Annotated[
    list[str] | None,
    typer.Option("--weight", metavar="FEATURE=NUMBER", help="Importance of a feature; repeatable."),
]


@app.command()
def drift(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The model.")],
    data: Data,
    reference: Annotated[
        Path | None,
        typer.Option(help="Rows to compare with; else the model's reference in the service."),
    ] = None,
    window: Annotated[int, typer.Option(min=0, help="Rows of a window; 0 for none.")] = 5000,
    ignore: Ignored = None,
    score: Score = "",
    prediction: Prediction = "",
    label: LabelColumn = "",
    json: Json = False,
) -> None:
    """Compare the rows of a file with the data that a model was trained on."""
    from trimtab.models.monitoring.file_report import report_file

    session = session_of(context)
    if reference is None:
        profile = _stored(session, name)
    else:
        profile = _profile(reference, ignore, (score, prediction, label), "1", None)
    found = report_file(data, profile, window, score)
    body = found.as_dict(name) | {"skipped_columns": dict(profile.skipped)}
    if not printed_as_json(session, body):
        _print_drift(body)


@app.command("reference")
def set_reference(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The model.")],
    data: Data,
    ignore: Ignored = None,
    score: Score = "",
    prediction: Prediction = "",
    label: LabelColumn = "",
    positive: Positive = "1",
    weight: Weights = None,
    json: Json = False,
) -> None:
    """Monitor a model against the rows of a file, which stay on this machine."""
    session = session_of(context)
    profile = _profile(data, ignore, (score, prediction, label), positive, weight)
    path = f"/v1/models/{name}/reference"
    body = session.client.call("PUT", path, body=profile.to_json())
    if not printed_as_json(session, body):
        print_line(f"{name} is monitored with {len(profile.features)} features.")
        for column, reason in profile.skipped.items():
            print_line(f"left out: {column} ({reason})", style="yellow")


@app.command()
def observe(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The model.")],
    file: Annotated[Path, typer.Argument(help="JSON lines: id, features, prediction, score, ...")],
    json: Json = False,
) -> None:
    """Send predictions that a model has made elsewhere; each id counts once."""
    _send(session_of(context), f"/v1/models/{name}/observations", file)


@app.command("label")
def send_labels(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The model.")],
    file: Annotated[Path, typer.Argument(help="JSON lines: id, label.")],
    json: Json = False,
) -> None:
    """Send the true labels of earlier predictions."""
    _send(session_of(context), f"/v1/models/{name}/labels", file)


@app.command()
def monitoring(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The model; without it, all of them.")] = "",
    json: Json = False,
) -> None:
    """Show accuracy, errors, latency, missing values and drift of monitored models."""
    session = session_of(context)
    if name:
        body = session.client.call("GET", f"/v1/models/{name}/monitoring")
        models = [body]
    else:
        body = session.client.call("GET", "/v1/model-monitoring")
        models = body["models"]
    if printed_as_json(session, body):
        return
    columns = ("requests", "error_rate", "latency_p99_seconds", "f1", "estimated_f1")
    print_table(
        ("model", *columns, "drift_score", "verdict"),
        ([m["model"], *(m[c] for c in columns), m["drift_score"], m["verdict"]] for m in models),
    )
    if name:
        _print_features(body["features"])


def _profile(
    file: Path,
    ignore: list[str] | None,
    special: tuple[str, str, str],
    positive: str,
    weights: list[str] | None,
) -> "ReferenceProfile":
    from trimtab.models.monitoring.reference import ColumnRoles, build_reference
    from trimtab.models.monitoring.tables import read_columns

    score, prediction, label = special
    given = dict(_weight(text) for text in weights or ())
    roles = ColumnRoles(score, prediction, label, tuple(ignore or ()), positive, given)
    return build_reference(read_columns(file), roles)


def _weight(text: str) -> tuple[str, float]:
    name, _, number = text.rpartition("=")
    try:
        return name, float(number)
    except ValueError:
        raise InvalidInput(f"--weight {text}: no number.", hint="Write --weight V14=0.3.") from None


def _stored(session: Session, name: str) -> "ReferenceProfile":
    from trimtab.models.monitoring.profile import ReferenceProfile

    body = session.client.call("GET", f"/v1/models/{name}/reference")
    return ReferenceProfile.from_json(body["reference"])


def _send(session: Session, path: str, file: Path) -> None:
    totals = {"received": 0, "stored": 0, "repeated": 0}
    for batch in _batches(file):
        body = session.client.call("POST", path, content=batch)
        for key in totals:
            totals[key] += body[key]
    if not printed_as_json(session, totals):
        print_line(", ".join(f"{count} {key}" for key, count in totals.items()))


def open_data(file: Path) -> BinaryIO:
    """Open a file of the user; raises `InvalidInput` when it cannot be read."""
    try:
        return file.open("rb")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from error


def _batches(file: Path) -> Iterator[bytes]:
    lines: list[bytes] = []
    size = 0
    with open_data(file) as source:
        for line in source:
            if lines and (len(lines) >= _BATCH_LINES or size + len(line) > _BATCH_BYTES):
                yield b"".join(lines)
                lines, size = [], 0
            lines.append(line)
            size += len(line)
    if lines:
        yield b"".join(lines)


def _print_drift(body: dict[str, Any]) -> None:
    score = "-" if body["drift_score"] is None else f"{body['drift_score']:.2f}"
    style = "bold red" if body["drifted_features"] else "bold"
    print_line(f"{body['model']}: {body['verdict']}, drift score {score}", style=style)
    _print_features(body["features"])
    for column in body["missing_columns"]:
        print_line(f"not in the file: {column}", style="red")
    for window in body["windows"]:
        if window["drifted"]:
            first = window["first_row"]
            print_line(f"rows {first} to {first + window['rows']}: {', '.join(window['drifted'])}")


def _print_features(features: list[dict[str, Any]]) -> None:
    columns = ("feature", "verdict", "psi", "noise_floor", "null_rate", "unseen_rate")
    print_table(columns, ([each[column] for column in columns] for each in features))
