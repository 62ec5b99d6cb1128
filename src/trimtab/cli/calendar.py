"""`calendar`: dated tasks that follow incidents, and reviews."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)

Task = Annotated[str, typer.Argument(metavar="TASK", help="Its id.")]
Due = Annotated[datetime | None, typer.Option(help="When it is due (UTC).")]


@app.command("list")
def list_tasks(
    context: typer.Context,
    status: Annotated[str, typer.Option(help="open, done, dropped or all.")] = "open",
    owner: Annotated[str, typer.Option(help="Only of this owner.")] = "",
    subject: Annotated[str, typer.Option(help="Only of this incident or quarter.")] = "",
    json: Json = False,
) -> None:
    """List the tasks, the earliest due first."""
    session = session_of(context)
    params = {"status": status, "owner": owner, "subject": subject}
    body = session.client.call("GET", "/v1/calendar", params=params)
    if printed_as_json(session, body):
        return
    if not body["tasks"]:
        print_line("No task.")
        return
    print_table(
        ("task", "due (UTC)", "status", "owner", "about", "title"),
        (
            (
                each["id"],
                each["due_at"][:16].replace("T", " "),
                _status(each, body["at"]),
                each["owner"],
                each["subject"],
                each["title"],
            )
            for each in body["tasks"]
        ),
    )
    if body["overdue"]:
        print_line(f"{body['overdue']} overdue.")


@app.command("show")
def show(context: typer.Context, task: Task, json: Json = False) -> None:
    """Show one task."""
    _print(context, session_of(context).client.call("GET", f"/v1/calendar/{task}"))


@app.command("add")
def add(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="What is to be done.")],
    owner: Annotated[str, typer.Option(help="Who does it.")],
    due: Annotated[datetime, typer.Option(help="When it is due (UTC).")],
    link: Annotated[str, typer.Option(help="Where the work is.")] = "",
    json: Json = False,
) -> None:
    """Add a task."""
    body = {"title": title, "owner": owner, "due_at": _utc(due), "link": link}
    _print(context, session_of(context).client.call("POST", "/v1/calendar", body=body))


@app.command("done")
def finish(
    context: typer.Context,
    task: Task,
    note: Annotated[str, typer.Option(help="What came of it.")] = "",
    json: Json = False,
) -> None:
    """Mark a task as done."""
    _post(context, task, "done", {"note": note})


@app.command("drop")
def drop(
    context: typer.Context,
    task: Task,
    note: Annotated[str, typer.Option(help="Why it is not done.")],
    json: Json = False,
) -> None:
    """Decide that a task is not done, and say why."""
    _post(context, task, "drop", {"note": note})


@app.command("move")
def move(
    context: typer.Context,
    task: Task,
    owner: Annotated[str, typer.Option(help="Who does it now.")] = "",
    due: Due = None,
    json: Json = False,
) -> None:
    """Give a task another owner or another time."""
    body: dict[str, Any] = {"owner": owner}
    if due is not None:
        body["due_at"] = _utc(due)
    _post(context, task, "move", body)


def _post(context: typer.Context, task: str, what: str, body: dict[str, Any]) -> None:
    found = session_of(context).client.call("POST", f"/v1/calendar/{task}/{what}", body=body)
    _print(context, found)


def _print(context: typer.Context, task: dict[str, Any]) -> None:
    if printed_as_json(session_of(context), task):
        return
    print_line(f"{task['id']}: {task['title']}")
    print_line(
        f"{task['status']}, due {task['due_at'][:16].replace('T', ' ')} UTC, {task['owner']}"
    )
    for name in ("subject", "link", "note"):
        if task[name]:
            print_line(f"{name}: {task[name]}")


def _status(task: dict[str, Any], now: str) -> str:
    return "overdue" if task["status"] == "open" and task["due_at"] <= now else task["status"]


def _utc(at: datetime) -> str:
    return at.replace(tzinfo=UTC).isoformat()
