"""`incidents similar`, `replay`, `dependencies`: what a diagnosis knows."""

from typing import Annotated

import typer

from trimtab.cli.incidents.inspect import IncidentId
from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer(no_args_is_help=True)
_SUPPORTED = {True: "supported", False: "not supported", None: "cannot tell"}


@app.command("similar")
def similar(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="Words of the title, the alerts or their labels.")],
    limit: Annotated[int, typer.Option(help="How many.")] = 10,
    json: Json = False,
) -> None:
    """Find resolved incidents by words, the most similar first."""
    session = session_of(context)
    params = {"q": text, "limit": limit}
    body = session.client.call("GET", "/v1/incidents/search", params=params)
    if not printed_as_json(session, body):
        print_table(
            ("incident", "similarity", "cause", "resolution"),
            (
                (
                    each["incident_id"],
                    f"{each['score']:.2f}",
                    each["root_cause"],
                    each["resolution"],
                )
                for each in body["incidents"]
            ),
        )


@app.command("replay")
def replay(context: typer.Context, incident: IncidentId, json: Json = False) -> None:
    """Replay an incident against today's rules and runbooks."""
    session = session_of(context)
    body = session.client.call("GET", f"/v1/incidents/{incident}/replay")
    if printed_as_json(session, body):
        return
    print_line(body["verdict"], style="bold")
    for alert in (*body["alerts"], *body["others"]):
        print_line(f"  {alert['name']}: {alert['text']}")
    print_line(f"Severity then {body['severity_then']}, today {body['severity_now']}")
    then, now = (", ".join(body[name]) or "none" for name in ("runbooks_then", "runbooks_now"))
    print_line(f"Runbooks then: {then}. Today: {now}.")
    for cause in body["causes"]:
        new = "" if cause["known_then"] else ", new since then"
        print_line(f"  {cause['title']}: {_SUPPORTED[cause['supported']]}{new}")


@app.command("dependencies")
def dependencies(context: typer.Context, json: Json = False) -> None:
    """List the components and what each depends on, as a diagnosis follows them."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/dependencies")
    if not printed_as_json(session, body):
        print_table(
            ("component", "depends on", "needed by"),
            (
                (each["name"], ", ".join(each["needs"]), ", ".join(each["needed_by"]))
                for each in body["components"]
            ),
        )
