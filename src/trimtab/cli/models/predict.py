"""`models predict`, `health`, `serve-check`: ask what serves."""

import math
import time
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from trimtab.cli.models.sample import read_rows
from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Session, session_of

app = typer.Typer()

MIN_AVAILABILITY = 0.995
"""Share of requests that a critical model must answer itself (contract HYB, key indicators)."""


@app.command()
def predict(
    context: typer.Context,
    name: str,
    rows: Annotated[
        Path, typer.Argument(help="Rows as CSV, JSON or JSON Lines.", exists=True, dir_okay=False)
    ],
    label: Annotated[str, typer.Option(help="A column of the file to leave out.")] = "",
    version: Annotated[str, typer.Option(help="candidate or previous instead of production.")] = "",
    json: Json = False,
) -> None:
    """Predict the rows of a file with what serves."""
    session = session_of(context)
    found, _ = read_rows(rows, label)
    clean = [
        {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in row.items()
        }
        for row in found
    ]
    body = session.client.call(
        "POST", f"/v1/models/{name}/predict", body={"rows": clean, "version": version}
    )
    if printed_as_json(session, body):
        return
    print_line(f"{body['served_by']} ({body['outcome']}), request {body['request_id']}")
    print_table(
        ("row", "label", "value", "confidence"),
        (
            (at, output.get("label", ""), output["value"], output["confidence"])
            for at, output in enumerate(body["outputs"])
        ),
    )


@app.command()
def health(context: typer.Context, name: str, json: Json = False) -> None:
    """Predict a known row with what serves; exit 1 if it fails or is not sure."""
    session = session_of(context)
    body = session.client.call("POST", f"/v1/models/{name}/health")
    if not printed_as_json(session, body):
        state = "healthy" if body["healthy"] else "not healthy"
        print_line(f"{name} is {state}: {body['detail'] or body['served_by']}")
    if not body["healthy"]:
        raise typer.Exit(Exit.FAILED)


@app.command(name="serve-check")
def serve_check(
    context: typer.Context,
    requests: Annotated[int, typer.Option(min=1, max=10_000, help="Of each model.")] = 50,
    json: Json = False,
) -> None:
    """Check every serving model: files, golden batch, health, times; exit 1 on a problem."""
    session = session_of(context)
    names = [
        row["name"]
        for row in session.client.call("GET", "/v1/models")["models"]
        if "production" in row["aliases"]
    ]
    body = {"models": [_check_model(session, name, requests) for name in names]}
    if not printed_as_json(session, body):
        if not names:
            print_line("No model serves: `trimtab models promote NAME VERSION` lets one serve.")
        for found in body["models"]:
            times = "" if found["p50_ms"] is None else f", {found['p50_ms']:.1f} ms (median)"
            print_line(f"{found['model']}: {found['detail'] or 'serves as registered'}{times}")
    if any(found["detail"] for found in body["models"]):
        raise typer.Exit(Exit.FAILED)


def _check_model(session: Session, name: str, requests: int) -> dict[str, Any]:
    """Return what is wrong with a model, and the times of its predictions over HTTP."""
    problems = session.client.call("POST", f"/v1/models/{name}/verify")["problems"]
    health = session.client.call("POST", f"/v1/models/{name}/health")
    detail = "; ".join([*problems, *([] if health["healthy"] else [health["detail"]])])
    found: dict[str, Any] = {"model": name, "detail": detail, "availability": None}
    found |= {"p50_ms": None, "p95_ms": None}
    if not detail:
        version = session.client.call("GET", f"/v1/models/{name}/versions/production")
        rows = version["manifest"]["golden"]["rows"]
        times, answered = [], 0
        for at in range(requests):
            started = time.perf_counter()
            body = {"rows": [rows[at % len(rows)]]}
            answer = session.client.call("POST", f"/v1/models/{name}/predict", body=body)
            times.append((time.perf_counter() - started) * 1000)
            answered += answer["outcome"] == "ok"
        found["availability"] = answered / requests
        if found["availability"] < MIN_AVAILABILITY:
            found["detail"] = f"answered only {answered} of {requests} requests itself"
        found |= {"p50_ms": median(times), "p95_ms": sorted(times)[int(0.95 * (len(times) - 1))]}
    return found
