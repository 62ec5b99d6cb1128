"""`answers tasks`: run an operations checklist."""

from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command("tasks")
def tasks(
    context: typer.Context,
    period: Annotated[str, typer.Argument(help="daily, weekly, monthly or rollback")],
    json: Json = False,
) -> None:
    """Run an operations checklist; exit 1 if a task needs a person."""
    session = session_of(context)
    body = session.client.call("POST", f"/v1/tasks/{period}")
    if not printed_as_json(session, body):
        for task in body["tasks"]:
            print_line(
                f"{'pass' if task['passed'] else 'DO  '} {task['id']} {task['name']}: "
                f"{task['detail']}"
            )
            if task["todo"]:
                print_line(f"     {task['todo']}")
    if not body["passed"]:
        raise typer.Exit(1)
