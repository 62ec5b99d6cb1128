"""`fleet`: the processes that share one database."""

import typer

from trimtab.cli.runtime.console import print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command()
def fleet(context: typer.Context, json: Json = False) -> None:
    """Show the processes on this database, and which of them leads."""
    session = session_of(context)
    body = session.client.call("GET", "/api/v1/fleet")
    if printed_as_json(session, body):
        return
    print_table(
        ("process", "state", "roles", "address", "release", "host", "up s", "silent s", "applied"),
        (
            (
                each["id"],
                _state(each["is_live"], each["leader"]),
                each["roles"],
                each["address"] or "-",
                each["release"],
                each["host"],
                round(each["uptime_seconds"]),
                round(each["silent_seconds"], 1),
                each["applied"],
            )
            for each in body["processes"]
        ),
    )


def _state(is_live: bool, leader: bool) -> str:
    if not is_live:
        return "lost"
    return "leads" if leader else "live"
