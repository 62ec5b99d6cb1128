"""`review guard-rules`: what the quarterly review of the guards' rules looks at."""

from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command("guard-rules")
def guard_rules(
    context: typer.Context,
    days: Annotated[float, typer.Option(min=0.01, help="How far back reviews count.")] = 92.0,
    json: Json = False,
) -> None:
    """List blocks and false positives of each guard, for the quarterly review."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/review/guard-rules", params={"days": days})
    if printed_as_json(session, body):
        return
    print_table(
        ("guard", "judges", "blocks", "reviewed", "wrong", "false positives"),
        (
            (
                each["guard"],
                each["judged"],
                each["blocks"],
                each["reviewed"],
                each["wrong"],
                "unknown"
                if each["false_positive_rate"] is None
                else f"{each['false_positive_rate']:.1%}",
            )
            for each in body["rules"]
        ),
    )
