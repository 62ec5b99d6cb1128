"""`models retrain`, `retrainings`, `approve`: retraining behind the approval of a person."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.models.drift import open_data
from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, Yes, confirm, session_of
from trimtab.kernel.errors import NotFound

app = typer.Typer()


@app.command()
def retrain(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The model.")],
    data: Annotated[
        Path, typer.Option("--data", help="Labelled rows, as the model's trainer reads.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for the log.")] = "on demand",
    json: Json = False,
) -> None:
    """Train a candidate; it serves only after a person has approved it."""
    session = session_of(context)
    path = f"/v1/models/{name}/retrainings"
    with open_data(data) as file:
        content = file.read()
    body = session.client.call("POST", path, content=content, params={"reason": reason})
    if not printed_as_json(session, body):
        print_line(f"{body['id']}: {body['state']}")


@app.command()
def update(
    context: typer.Context,
    data: Annotated[
        Path, typer.Option("--data", help="JSON lines: model, inputs, label of validated rows.")
    ],
    json: Json = False,
) -> None:
    """Start retrainings from validated feedback: at least 50 rows of a model."""
    session = session_of(context)
    with open_data(data) as file:
        body = session.client.call("POST", "/v1/model-updates", content=file.read())
    if printed_as_json(session, body):
        return
    for each in body["started"]:
        print_line(f"{each['id']}: {each['model']} is retrained, {each['reason']}")
    for name, count in body["too_few"].items():
        print_line(f"{name}: {count} rows, 50 start a retraining; keep them.", style="yellow")


@app.command()
def retrainings(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="The model; without it, all of them.")] = "",
    json: Json = False,
) -> None:
    """List retrainings with their comparison and decision."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/model-retrainings", params={"model": model})
    if not printed_as_json(session, body):
        columns = ("id", "model", "state", "F1 now", "F1 candidate", "why", "hash")
        print_table(columns, (_row(each) for each in body["retrainings"]))


@app.command()
def decide(
    context: typer.Context,
    retraining: Annotated[str, typer.Argument(help="The id of the retraining.")],
    approve: Annotated[bool, typer.Option("--approve/--reject", help="The decision.")],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Approve or reject a candidate, after showing its data and metrics."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/model-retrainings")
    shown = next((each for each in body["retrainings"] if each["id"] == retraining), None)
    if shown is None:
        raise NotFound(
            f"There is no retraining {retraining!r}.", hint="`trimtab models retrainings`."
        )
    compared = shown["facts"].get("comparison", {})
    print_line(f"data {shown['data_sha256'][:12]}, {compared}", stderr=True)
    confirm(f"{'Let it serve' if approve else 'Reject it'}?", yes=yes)
    decision = {"approve": approve, "approval_hash": shown["approval_hash"] or "none"}
    path = f"/v1/model-retrainings/{retraining}/decision"
    decided = session.client.call("POST", path, body=decision)
    if not printed_as_json(session, decided):
        print_line(f"{retraining}: decided; `trimtab models retrainings` shows the outcome.")


def _row(each: dict[str, Any]) -> tuple[object, ...]:
    compared = each["facts"].get("comparison", {})
    return (
        each["id"],
        each["model"],
        each["state"],
        compared.get("current_f1"),
        compared.get("candidate_f1"),
        each["facts"].get("why", each["reason"]),
        each["approval_hash"],
    )
