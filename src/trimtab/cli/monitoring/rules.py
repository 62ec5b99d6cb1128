"""`check`, `alerts`: check PromQL comparisons and list alerts."""

from typing import Annotated

import typer

from trimtab.cli.runtime.console import format_time, print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, session_of
from trimtab.kernel.durations import parse_duration
from trimtab.kernel.errors import InvalidInput

app = typer.Typer()

_VERDICTS = {
    True: ("holds", "green"),
    False: ("does not hold", "red"),
    None: ("cannot tell", "yellow"),
}


@app.command()
def check(
    context: typer.Context,
    expression: Annotated[str, typer.Argument(help="A PromQL comparison, in quotes.")],
    for_: Annotated[
        str, typer.Option("--for", help="Time that it must hold without interruption, such as 10m.")
    ] = "",
    give_up: Annotated[str, typer.Option(help="Timeout.")] = "30m",
    json: Json = False,
) -> None:
    """Check a PromQL comparison; exit 1 if false, 3 if the samples cannot tell."""
    session = session_of(context)
    if for_:
        request = {
            "expression": expression,
            "for_seconds": seconds(for_),
            "give_up_seconds": seconds(give_up),
        }
        body = session.client.call("POST", "/v1/check/hold", body=request)
    else:
        body = session.client.call("POST", "/v1/check", body={"expression": expression})
    if not printed_as_json(session, body):
        verdict, style = _VERDICTS[body["holds"]]
        print_line(f"{verdict}: {expression}", style=style)
        if body["error"]:
            print_line(body["error"])
        print_table(
            ("metric", "labels", "value"),
            (
                (s["metric"], " ".join(f"{k}={v}" for k, v in s["labels"].items()), s["value"])
                for s in body["samples"]
            ),
        )
    if body["holds"] is None:
        raise typer.Exit(Exit.NEEDS_A_PERSON)
    if not body["holds"]:
        raise typer.Exit(Exit.FAILED)


@app.command()
def alerts(context: typer.Context, json: Json = False) -> None:
    """List the pending and firing alerts."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/alerts")
    if not printed_as_json(session, body):
        print_table(
            ("alert", "state", "severity", "since", "summary"),
            (
                (
                    alert["name"],
                    alert["state"],
                    alert["severity"],
                    format_time(alert["since"]),
                    alert["annotations"].get("summary", ""),
                )
                for alert in body["alerts"]
            ),
        )


def seconds(text: str) -> float:
    """Return a duration such as ``10m`` or ``1h30m`` in seconds, or raise `InvalidInput`."""
    found = parse_duration(text)
    if found is None:
        raise InvalidInput(f"{text!r} is not a duration.", hint="Write 30s, 10m, 1h or 1h30m.")
    return found
