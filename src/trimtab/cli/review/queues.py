"""`review queues`, `list`, `clear`, `archives`, `restore`, `candidates`, `decide`."""

from typing import Annotated

import typer

from trimtab.cli.runtime.console import format_time, print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, Yes, confirm, session_of

app = typer.Typer()
Queue = Annotated[str, typer.Argument(help="Such as review_queue:high_priority or feedback_queue.")]


@app.command("queues")
def queues(context: typer.Context, json: Json = False) -> None:
    """Show depth, age and rates of each queue, agreement and participation."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/review")
    if printed_as_json(session, body):
        return
    columns = ("queue", "open", "oldest since", "added", "done", "seconds an item")
    print_table(
        columns,
        (
            (
                q["queue"],
                q["depth"],
                format_time(q["oldest_at"]),
                q["added"],
                q["finished"],
                q["processing_seconds"],
            )
            for q in body["queues"]
        ),
    )
    for pair in body["agreement"]:
        kappa = "unknown" if pair["kappa"] is None else f"{pair['kappa']:.2f}"
        names = " and ".join(pair["annotators"])
        print_line(
            f"{names}: {pair['items']} items, same verdict {pair['observed']:.0%}, kappa {kappa}"
        )
    for person in body["annotators"]:
        print_line(
            f"{person['annotator']}: {person['annotations']} judged, {person['skipped']} skipped"
            " in seven days"
        )


@app.command("list")
def list_items(
    context: typer.Context,
    queue: Annotated[str, typer.Option(help="Only of this queue.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    json: Json = False,
) -> None:
    """List open items, most urgent first."""
    session = session_of(context)
    params = {"queue": queue, "limit": limit}
    body = session.client.call("GET", "/v1/review/items", params=params)
    if not printed_as_json(session, body):
        print_table(
            ("trace", "queue", "why", "state", "held by", "added"),
            (
                (
                    i["trace_id"],
                    i["queue"],
                    i["reason"],
                    i["state"],
                    i["lease_by"],
                    format_time(i["added_at"]),
                )
                for i in body["items"]
            ),
        )


@app.command("clear")
def clear(context: typer.Context, queue: Queue, yes: Yes = False, json: Json = False) -> None:
    """Archive all open items of a queue; `review restore` brings them back."""
    confirm(f"Archive all open items of {queue}?", yes=yes)
    session = session_of(context)
    body = session.client.call("POST", f"/v1/review/queues/{queue}/clear")
    if not printed_as_json(session, body):
        print_line(f"Archived {body['items']} items as {body['id']}.")


@app.command("archives")
def archives(context: typer.Context, json: Json = False) -> None:
    """List the archives of cleared queues, newest first."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/review/archives")
    if not printed_as_json(session, body):
        print_table(
            ("archive", "queue", "items", "cleared", "by", "restored"),
            (
                (
                    a["id"],
                    a["queue"],
                    a["items"],
                    format_time(a["at"]),
                    a["by"],
                    format_time(a["restored_at"]),
                )
                for a in body["archives"]
            ),
        )


@app.command("restore")
def restore(
    context: typer.Context,
    archive: Annotated[str, typer.Argument(help="From `review archives`.")],
    json: Json = False,
) -> None:
    """Queue the items of an archive again."""
    session = session_of(context)
    body = session.client.call("POST", f"/v1/review/archives/{archive}/restore")
    if not printed_as_json(session, body):
        print_line(f"{body['items']} items wait again.")


@app.command("candidates")
def candidates(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="proposed, approved or rejected.")] = "proposed",
    kind: Annotated[str, typer.Option(help="golden, guard_label or training_row.")] = "",
    json: Json = False,
) -> None:
    """List what feedback and reviews propose to learn."""
    session = session_of(context)
    params = {"state": state, "kind": kind}
    body = session.client.call("GET", "/v1/review/candidates", params=params)
    if not printed_as_json(session, body):
        print_table(
            ("candidate", "kind", "question", "made"),
            (
                (c["id"], c["kind"], c["body"].get("question", "")[:80], format_time(c["at"]))
                for c in body["candidates"]
            ),
        )


@app.command("decide")
def decide(
    context: typer.Context,
    candidate: Annotated[str, typer.Argument(help="From `review candidates`.")],
    reject: Annotated[bool, typer.Option("--reject", help="Reject it instead.")] = False,
    json: Json = False,
) -> None:
    """Approve a candidate, so that the next training or evaluation may use it."""
    session = session_of(context)
    path = f"/v1/review/candidates/{candidate}/decide"
    session.client.call("POST", path, body={"approve": not reject})
    verb = "rejected" if reject else "approved"
    if not printed_as_json(session, {"candidate": candidate, "state": verb}):
        print_line(f"{candidate} is {verb}.")
