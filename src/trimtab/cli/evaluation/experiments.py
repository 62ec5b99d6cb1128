"""`answers replay`, `shadow`, `canary`: compare configurations on real questions."""

from json import loads
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, session_of
from trimtab.kernel.errors import InvalidInput

app = typer.Typer()


@app.command()
def replay(
    context: typer.Context,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting to try; repeatable."),
    ] = None,
    last: Annotated[int, typer.Option(min=1, max=1000, help="How many questions.")] = 100,
    project: Annotated[str, typer.Option(help="Only questions of this project.")] = "",
    json: Json = False,
) -> None:
    """Replay the newest questions with another configuration; exit 1 if answers get worse."""
    session = session_of(context)
    changes = dict(_pair(text) for text in set_ or ())
    asked = {"set": changes, "last": last, "project": project or None}
    body = session.client.call("POST", "/v1/answers/replay", body=asked)
    if not printed_as_json(session, body):
        print_line(f"{body['configuration']}: {body['verdict']}", style="bold")
        _print_summary(body["summary"])
        for trace_id, code in ((e["trace_id"], e["code"]) for e in body["errors"]):
            print_line(f"{trace_id} failed: {code}", style="red")
        if body["stopped"]:
            print_line("Stopped: the shadow budget of today is used up.", style="yellow")
        if body["changed"]:
            print_table(
                ("trace", "found", "grounding", "shared sources"),
                (
                    (c["trace_id"], _arrow(c["found"]), _arrow(c["grounding"]), c["shared_sources"])
                    for c in body["changed"]
                ),
            )
    if body["verdict"] == "worse":
        raise typer.Exit(Exit.FAILED)


@app.command()
def shadow(context: typer.Context, json: Json = False) -> None:
    """Compare the shadow configuration with the present one; exit 1 if it is worse."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/answers/shadow")
    if not printed_as_json(session, body):
        print_line(f"{body['configuration']}: {body['verdict']}", style="bold")
        _print_summary(body["summary"])
        for name, count in body["questions"].items():
            print_line(f"{name}: {count}")
    if body["verdict"] == "worse":
        raise typer.Exit(Exit.FAILED)


@app.command()
def canary(
    context: typer.Context,
    probes: Annotated[
        Path | None,
        typer.Option(
            help="JSON Lines of project, question, document_name; or those of the settings."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Run the canary questions; exit 1 if one misses its document."""
    session = session_of(context)
    lines = probes.read_text(encoding="utf-8").splitlines() if probes else []
    asked = [loads(line) for line in lines if line.strip()]
    body = session.client.call("POST", "/v1/answers/canary", body={"probes": asked})
    if not printed_as_json(session, body):
        print_line(f"{body['probes']} probes, recall {body['recall']:.3f}", style="bold")
        for question in body["missed"]:
            print_line(f"missed: {question}", style="red")
        if body["error"]:
            print_line(body["error"], style="red")
    if body["missed"]:
        raise typer.Exit(Exit.FAILED)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"--set {text}: the value is missing.", hint="Write --set key=value.")
    return name.strip().removeprefix("answers."), value


def _print_summary(summary: dict[str, Any]) -> None:
    for name, value in summary.items():
        shown = value
        if isinstance(value, dict):
            shown = f"{value['mean']} ({value['low']} to {value['high']})"
        print_line(f"{name}: {'-' if value is None else shown}")


def _arrow(pair: list[object]) -> str:
    return f"{pair[0]} -> {pair[1]}"
