"""`audit`: the append-only chain of who did what."""

import typer

from trimtab.cli.errors import Exit
from trimtab.cli.output import print_line, print_table, printed_as_json
from trimtab.cli.session import Json, session

app = typer.Typer(help="Read the audit chain and prove it whole.", no_args_is_help=True)


@app.command("verify")
def verify(context: typer.Context, json: Json = False) -> None:
    """Recompute the chain; exit 1 when an event is missing, changed or out of order."""
    this = session(context)
    body = this.client.call("GET", "/v1/audit/verify")
    if not printed_as_json(this, body):
        for problem in body["problems"]:
            print_line(problem, style="red")
        verdict = "whole" if body["ok"] else "broken"
        print_line(f"{body['events']} events, the chain is {verdict}; head {body['head']}")
    if not body["ok"]:
        raise typer.Exit(Exit.FAILED)


@app.command("list")
def recent(context: typer.Context, limit: int = 20, json: Json = False) -> None:
    """List the newest events."""
    this = session(context)
    body = this.client.call("GET", "/v1/audit", params={"limit": limit})
    if not printed_as_json(this, body):
        print_table(
            ("#", "at", "actor", "action", "subject", "facts"),
            (
                (e["seq"], e["at"], e["actor"], e["action"], e["subject"], e["facts"])
                for e in body["events"]
            ),
        )
