"""`queries`: running and slow database queries."""

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command()
def queries(context: typer.Context, json: Json = False) -> None:
    """Show the running database queries, the slow ones and the connections."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/queries")
    if printed_as_json(session, body):
        return
    print_table(
        ("running in", "seconds", "database"),
        ((each["caller"], round(each["seconds"], 1), each["database"]) for each in body["running"]),
    )
    if not body["slow"]:
        print_line("No query has taken over half a second.")
    else:
        print_table(
            ("slow in", "count", "mean s", "longest s", "database"),
            (
                (
                    each["caller"],
                    each["count"],
                    round(each["mean_seconds"], 2),
                    round(each["longest_seconds"], 2),
                    each["database"],
                )
                for each in body["slow"]
            ),
        )
    for each in body["connections"]:
        print_line(f"{each['database']}: {each['connections']}")
    for each in body["upkeep"]:
        print_line(f"{each['database']}, upkeep at {each['at'][:16]}: {each['summary']}")
