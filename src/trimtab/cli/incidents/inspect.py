"""`incidents`: list, follow, decide, read the post-mortem."""

import json as json_lines
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import (
    format_time,
    print_json,
    print_line,
    print_table,
    printed_as_json,
)
from trimtab.cli.runtime.session import Json, Session, Yes, confirm, session_of
from trimtab.kernel.errors import Conflict, Unavailable

app = typer.Typer(no_args_is_help=True)
IncidentId = Annotated[str, typer.Argument(metavar="INCIDENT", help="Such as INC-2026-0314.")]


_HOLDS = {True: "holds", False: "does not hold", None: "cannot tell"}


class NothingRuns(Unavailable):
    """No service runs, so no incident can change."""

    code = "cli.no_service_runs"
    default_hint = "Start it with `trimtab serve`, then repeat the command."


class NoPlanWaits(Conflict):
    """The incident has no plan that waits for approval."""

    code = "cli.no_plan_waits"
    default_hint = "`trimtab incidents show INCIDENT` shows its state."


@app.command("list")
def list_incidents(
    context: typer.Context,
    active: Annotated[bool, typer.Option("--active", help="Only open ones.")] = False,
    drills: Annotated[
        bool, typer.Option("--drills", help="Those of drills, which are in no other list.")
    ] = False,
    limit: int = 20,
    json: Json = False,
) -> None:
    """List incidents, the newest first."""
    session = session_of(context)
    flags = {"active": active, "drills": drills}
    params = {"limit": limit, **{name: True for name, given in flags.items() if given}}
    body = session.client.call("GET", "/v1/incidents", params=params)
    if not printed_as_json(session, body):
        print_table(
            ("incident", "severity", "state", "title", "opened"),
            (
                (i["id"], i["severity"], i["state"], i["title"], format_time(i["opened_at"]))
                for i in body["incidents"]
            ),
        )


@app.command("show")
def show(context: typer.Context, incident: IncidentId, json: Json = False) -> None:
    """Show an incident: diagnosis, plan, decision, timeline."""
    session = session_of(context)
    body = session.client.call("GET", f"/v1/incidents/{incident}")
    entries = session.client.call("GET", f"/v1/incidents/{incident}/timeline")["entries"]
    links = session.client.call("GET", f"/v1/incidents/{incident}/links")["links"]
    if printed_as_json(session, {**body, "timeline": entries, "links": links}):
        return
    print_line(f"{body['id']}  {body['severity']}  {body['title']}", style="bold")
    print_line(f"{body['state'].replace('_', ' ')} since {format_time(body['state_since'])}")
    print_line(f"Root cause: {body['cause_text']}")
    if body["ending"]:
        print_line(f"Ended: {body['ending']}. {body['resolution']}")
    for call in body["notifications"]:
        print_line(f"Call: {call['text']} ({call['why']})")
    for link in links:
        print_line(f"{link['tool']}: {link['url']}")
    if body["diagnosis"]:
        _print_diagnosis(body["diagnosis"])
    if body["plan"]:
        _print_plan(body["plan"])
        _print_decision(body["approval"])
    for entry in entries:
        _print_entry(entry)


@app.command("watch")
def watch(context: typer.Context, incident: IncidentId, json: Json = False) -> None:
    """Follow the timeline until the incident is resolved; Ctrl-C only stops watching."""
    session = session_of(context)
    require_service(session)
    for event in session.client.events(f"/v1/incidents/{incident}/stream"):
        data = json_lines.loads(event.data)
        if session.json:
            print_json({"event": event.event, **data})
        elif event.event == "entry":
            _print_entry(data)
        elif data["state"] == "awaiting_approval":
            print_line(f"A plan waits for you: trimtab incidents approve {incident}", "bold yellow")


@app.command("approve")
def approve(
    context: typer.Context,
    incident: IncidentId,
    plan: Annotated[str, typer.Option(help="The hash of the plan you read.")] = "",
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option(help="Only show the plan.")] = False,
    json: Json = False,
) -> None:
    """Approve the plan of an incident, after showing it."""
    session = session_of(context)
    waiting = _waiting_plan(session, incident)
    if dry_run:
        if not printed_as_json(session, waiting):
            _print_plan(waiting)
        return
    require_service(session)
    if not plan and not yes:
        if not session.json:
            _print_plan(waiting)
        confirm("Run this plan?", yes=yes)
    body = session.client.call(
        "POST", f"/v1/incidents/{incident}/approve", body={"plan_hash": plan or waiting["hash"]}
    )
    if not printed_as_json(session, body):
        print_line("Approved. `trimtab incidents watch` follows it.", style="green")


@app.command("reject")
def reject(
    context: typer.Context,
    incident: IncidentId,
    reason: Annotated[str, typer.Option(help="Goes to the journal.")] = "",
    json: Json = False,
) -> None:
    """Reject the plan and hand the incident over to people."""
    session = session_of(context)
    require_service(session)
    waiting = _waiting_plan(session, incident)
    body = session.client.call(
        "POST",
        f"/v1/incidents/{incident}/reject",
        body={"plan_hash": waiting["hash"], "reason": reason},
    )
    if not printed_as_json(session, body):
        print_line("Rejected.")


@app.command("close")
def close(
    context: typer.Context,
    incident: IncidentId,
    note: Annotated[str, typer.Option(help="A note for the journal.")] = "",
    json: Json = False,
) -> None:
    """Close an incident that is escalated or not verified."""
    session = session_of(context)
    require_service(session)
    body = session.client.call("POST", f"/v1/incidents/{incident}/close", body={"note": note})
    if not printed_as_json(session, body):
        print_line(f"{incident} is {body['state']}: {body['ending']}.")


@app.command("postmortem")
def postmortem(
    context: typer.Context,
    incident: IncidentId,
    report: Annotated[bool, typer.Option(help="In the incident report format.")] = False,
    json: Json = False,
) -> None:
    """Print the post-mortem as Markdown."""
    session = session_of(context)
    params = {"format": "report" if report else "postmortem"}
    text = session.client.text(f"/v1/incidents/{incident}/postmortem", params)
    if not printed_as_json(session, {"incident": incident, "text": text}):
        print_line(text)


@app.command("report")
def report(
    context: typer.Context,
    days: Annotated[float, typer.Option(help="How far back.")] = 30.0,
    json: Json = False,
) -> None:
    """Print response times by severity and system, and the clocks kept and missed."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/incidents/report", params={"days": days})
    if printed_as_json(session, body):
        return
    names = ("detect", "acknowledge", "diagnose", "repair")
    print_table(
        ("severity or system", "incidents", *(f"mean time to {name}" for name in names)),
        (
            (row["name"], str(row["incidents"]), *(_mean_text(row[name]) for name in names))
            for row in (*body["by_severity"], *body["by_system"])
        ),
    )
    for clock in body["clocks"]:
        print_line(f"Clock {clock['clock']}: {clock['kept']} kept, {clock['missed']} missed")


def _mean_text(times: dict[str, Any]) -> str:
    return "unknown" if times["mean"] is None else f"{times['mean']:.0f} s ({times['count']})"


def _waiting_plan(session: Session, incident: str) -> dict[str, Any]:
    body = session.client.call("GET", f"/v1/incidents/{incident}")
    if body["state"] != "awaiting_approval" or not body["plan"]:
        raise NoPlanWaits(f"No plan of {incident} waits for a decision: it is {body['state']}.")
    plan: dict[str, Any] = body["plan"]
    return plan


def require_service(session: Session) -> None:
    """Raise `NothingRuns` unless a service runs that can act on incidents."""
    if session.client.in_process:
        raise NothingRuns("No service is running on this data directory.")


def _print_diagnosis(found: dict[str, Any]) -> None:
    if found["cause_id"]:
        print_line(f"Most likely cause: {found['root_cause']} ({found['confidence']:.0%})")
    else:
        print_line(f"No cause named: {found['abstained_because']}", style="yellow")
    print_table(
        ("candidate", "confidence", "evidence"),
        (
            (
                candidate["title"],
                f"{candidate['confidence']:.0%}",
                " · ".join(
                    f"{_HOLDS[f['holds']]}: {f['expression']}" for f in candidate["findings"]
                ),
            )
            for candidate in found["candidates"]
        ),
    )
    for name, value in found["gathered"].items():
        print_line(f"{name}: {value}")


def _print_plan(plan: dict[str, Any]) -> None:
    print_line(f"Plan {plan['hash'][:12]} · {plan['blast_radius']}", style="bold")
    for act in plan["acts"]:
        given = " ".join(f"{key}={value}" for key, value in act["arguments"].items())
        print_line(f"  trimtab act {act['name']} {given}".rstrip())
        print_line(f"    {act['dry_run']} ({act['risk']}, {act['effect']})", style="dim")
    if plan["approval_because"]:
        print_line(f"  needs approval: {'; '.join(plan['approval_because'])}", style="yellow")


def _print_decision(approval: dict[str, Any] | None) -> None:
    if approval is not None and approval["decision"]:
        print_line(f"  {approval['decision']} by {approval['principal'] or 'no answer in time'}")


def _print_entry(entry: dict[str, Any]) -> None:
    print_line(f"{entry['at'][11:19]}  {entry['stage'].replace('_', ' '):18} {entry['text']}")
