"""`incidents declare`, `acknowledge`, `assign` and what else people do with incidents."""

import shlex
from typing import Annotated, Any

import typer

from trimtab.cli.incidents.inspect import IncidentId, require_service
from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)
Severity = Annotated[str, typer.Option(help="P0, P1, P2 or P3.")]


@app.command("declare")
def declare(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="What is wrong, in a few words.")],
    severity: Severity = "P2",
    component: Annotated[str, typer.Option(help="What is affected.")] = "",
    system: Annotated[str, typer.Option(help="The system's name.")] = "",
    description: Annotated[str, typer.Option(help="What is known.")] = "",
    json: Json = False,
) -> None:
    """Declare an incident that no alert has reported; prints its id."""
    body = {
        "title": title,
        "severity": severity,
        "component": component,
        "system": system,
        "description": description,
    }
    _post(context, "", body, lambda found: str(found["id"]))


@app.command("acknowledge")
def acknowledge(
    context: typer.Context,
    incident: IncidentId,
    minutes: Annotated[
        float | None, typer.Option(help="How long no one is paged; 30 by the settings.")
    ] = None,
    json: Json = False,
) -> None:
    """Acknowledge an incident: no one is paged until that ends."""

    def text_of(found: dict[str, Any]) -> str:
        by = found["acknowledged"]
        return f"Acknowledged by {by['by']} until {by['until'][11:16]} UTC."

    _post(context, f"/{incident}/acknowledge", {"minutes": minutes}, text_of)


@app.command("assign")
def assign(
    context: typer.Context,
    incident: IncidentId,
    person: Annotated[str, typer.Argument(help="Who is responsible; '' for no one.")],
    json: Json = False,
) -> None:
    """Make a person responsible for an incident."""
    _post(
        context,
        f"/{incident}/assign",
        {"person": person},
        lambda found: f"Assigned to {found['assigned_to'] or 'no one'}.",
    )


@app.command("note")
def note(
    context: typer.Context,
    incident: IncidentId,
    text: Annotated[str, typer.Argument(help="Goes to the journal.")],
    json: Json = False,
) -> None:
    """Write a note to the journal."""
    _post(context, f"/{incident}/notes", {"text": text}, lambda _: "Noted.")


@app.command("severity")
def set_severity(
    context: typer.Context,
    incident: IncidentId,
    severity: Annotated[str, typer.Argument(help="P0, P1, P2 or P3.")],
    reason: Annotated[str, typer.Option(help="Goes to the journal.")] = "",
    json: Json = False,
) -> None:
    """Set the severity of an incident."""
    body = {"severity": severity, "reason": reason}
    _post(context, f"/{incident}/severity", body, lambda found: f"It is {found['severity']} now.")


@app.command("take-over")
def take_over(context: typer.Context, incident: IncidentId, json: Json = False) -> None:
    """Work on an incident instead of trimtab, which only watches."""
    path = f"/{incident}/take-over"
    _post(context, path, None, lambda found: f"Taken over by {found['taken_over_by']}.")


@app.command("hand-back")
def hand_back(context: typer.Context, incident: IncidentId, json: Json = False) -> None:
    """Let trimtab diagnose and plan again; its plans ask for approval."""
    _post(context, f"/{incident}/hand-back", None, lambda _: "Handed back.")


@app.command("resolve")
def resolve(
    context: typer.Context,
    incident: IncidentId,
    cause: Annotated[str, typer.Option(help="What the cause was.")],
    resolution: Annotated[str, typer.Option(help="What ended it.")],
    json: Json = False,
) -> None:
    """Resolve an incident with the cause that you have found."""
    body = {"cause": cause, "resolution": resolution}
    _post(context, f"/{incident}/resolve", body, lambda found: f"It is {found['state']}.")


@app.command("propose")
def propose(
    context: typer.Context,
    incident: IncidentId,
    cause: Annotated[str, typer.Option(help="The cause that the plan repairs.")],
    act: Annotated[
        list[str],
        typer.Option(help="An action with its arguments, as for `trimtab act`; repeatable."),
    ],
    json: Json = False,
) -> None:
    """Propose a plan for an escalated incident; another caller approves it."""
    from trimtab.cli.monitoring.catalog import pairs

    acts = []
    for text in act:
        name, *words = shlex.split(text)
        acts.append({"action": name, "arguments": pairs(words)})
    body = {"cause": cause, "acts": acts}
    _post(context, f"/{incident}/proposals", body, _plan_text)


def _plan_text(plan: dict[str, Any]) -> str:
    return (
        f"Plan {plan['hash'][:12]} waits for the approval of another caller: {plan['blast_radius']}"
    )


@app.command("follow-up")
def follow_up(
    context: typer.Context,
    incident: IncidentId,
    text: Annotated[str, typer.Argument(help="What is to be done, or its number with --done.")],
    owner: Annotated[str, typer.Option(help="Who does it.")] = "",
    done: Annotated[bool, typer.Option("--done", help="The follow-up is done.")] = False,
    json: Json = False,
) -> None:
    """Add something to do after an incident, or mark it as done."""
    if done:
        _post(context, f"/{incident}/follow-ups/{text}/done", None, lambda _: "Done.")
    else:
        body = {"text": text, "owner": owner}
        _post(context, f"/{incident}/follow-ups", body, lambda _: "Added.")


def _post(context: typer.Context, path: str, body: object, text_of: Any) -> None:
    session = session_of(context)
    require_service(session)
    found = session.client.call("POST", f"/v1/incidents{path}", body=body)
    if not printed_as_json(session, found):
        print_line(text_of(found))
