"""`answers erase`: erase a person's data."""

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, Yes, confirm, session_of

app = typer.Typer()


@app.command("erase")
def erase(context: typer.Context, user_id: str, yes: Yes = False, json: Json = False) -> None:
    """Erase all data of a person and print each step; exit 1 while it is incomplete."""
    from urllib.parse import quote

    session = session_of(context)
    confirm(f"Erase all data of {user_id}? It cannot be restored.", yes=yes)
    body = session.client.call("DELETE", f"/api/v1/users/{quote(user_id, safe='')}/data")
    if not printed_as_json(session, body):
        print_line(f"Erasure {body['id']} is {body['state']}.")
        for step in body["steps"]:
            print_line(
                f"  {step['name']}: {step['state']}, "
                f"found {step['found']}, left {step['remaining']}"
            )
        print_line(f"Keep the nonce with the certificate: {body['nonce']}")
    if not body["complete"]:
        raise typer.Exit(1)
