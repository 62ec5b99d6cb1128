"""`oncall`: who is on call, overrides, and escalation ladders."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from trimtab.cli.incidents.inspect import require_service
from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)


@app.command("show")
def show(
    context: typer.Context,
    at: Annotated[datetime | None, typer.Option(help="An instant (UTC); now without it.")] = None,
    json: Json = False,
) -> None:
    """Show who is on call, and the overrides."""
    session = session_of(context)
    params = {} if at is None else {"at": at.replace(tzinfo=UTC).isoformat()}
    body = session.client.call("GET", "/v1/oncall", params=params)
    if printed_as_json(session, body):
        return
    if not body["on_call"]:
        print_line("No schedule is configured: set `incidents.oncall_file`.")
        return
    print_table(
        ("schedule", "role", "on call", "until"),
        (
            (each["schedule"], each["role"], each["person"] or "nobody", each["until"][:16])
            for each in body["on_call"]
        ),
    )
    for each in body["overrides"]:
        times = f"{each['starts_at'][:16]} to {each['ends_at'][:16]}"
        print_line(f"Override {each['id']}: {each['person']} in {each['schedule']}, {times}")


@app.command("policies")
def policies(context: typer.Context, json: Json = False) -> None:
    """List the escalation ladders with the people who are called now."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/oncall/policies")
    if printed_as_json(session, body):
        return
    print_table(
        ("ladder", "after", "role", "on call", "severities", "pages"),
        (
            (
                policy["name"],
                f"{step['after_seconds'] / 60:g} min",
                step["role"],
                step["person"] or "unknown",
                " ".join(step["severities"]) or "all",
                "yes" if step["page"] else "no",
            )
            for policy in body["policies"]
            for step in policy["steps"]
        ),
    )


@app.command("override")
def override(
    context: typer.Context,
    schedule: Annotated[str, typer.Argument(help="The schedule's name.")],
    person: Annotated[str, typer.Argument(help="Who is on call.")],
    start: Annotated[datetime, typer.Option(help="Begin (UTC).")],
    end: Annotated[datetime, typer.Option(help="End (UTC).")],
    json: Json = False,
) -> None:
    """Put another person on call for a time; prints the override's id."""
    session = session_of(context)
    require_service(session)
    body = {
        "schedule": schedule,
        "person": person,
        "starts_at": start.replace(tzinfo=UTC).isoformat(),
        "ends_at": end.replace(tzinfo=UTC).isoformat(),
    }
    found = session.client.call("POST", "/v1/oncall/overrides", body=body)
    if not printed_as_json(session, found):
        print_line(found["id"])


@app.command("end-override")
def end_override(
    context: typer.Context,
    override: Annotated[str, typer.Argument(metavar="OVERRIDE", help="Its id.")],
    json: Json = False,
) -> None:
    """Remove an override."""
    session = session_of(context)
    require_service(session)
    session.client.call("DELETE", f"/v1/oncall/overrides/{override}")
    if not printed_as_json(session, {"removed": override}):
        print_line("Removed.")
