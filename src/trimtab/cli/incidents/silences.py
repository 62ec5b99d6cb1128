"""`incidents silences`: list, create and end silences of alerts."""

import getpass
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from trimtab.cli.incidents.inspect import require_service
from trimtab.cli.runtime.console import format_time, print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of
from trimtab.kernel.clock import SystemClock

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_silences(
    context: typer.Context,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that have ended.")] = False,
    json: Json = False,
) -> None:
    """List the silences that are active or will be."""
    session = session_of(context)
    found = session.client.call("GET", "/api/v2/silences")
    shown = [each for each in found if ended or each["status"]["state"] != "expired"]
    if printed_as_json(session, {"silences": shown}):
        return
    print_table(
        ("silence", "state", "matchers", "until", "by", "comment"),
        (
            (
                each["id"],
                each["status"]["state"] + (" (maintenance)" if each["maintenance"] else ""),
                " ".join(map(_matcher_text, each["matchers"])),
                format_time(each["endsAt"]),
                each["createdBy"],
                each["comment"],
            )
            for each in shown
        ),
    )


@app.command("add")
def add(
    context: typer.Context,
    matcher: Annotated[
        list[str], typer.Argument(metavar="MATCHER...", help='Such as job=~"web.*".')
    ],
    comment: Annotated[str, typer.Option(help="Why; people read it.")],
    minutes: Annotated[float, typer.Option(help="How long it lasts.")] = 60.0,
    start: Annotated[
        datetime | None, typer.Option(help="When it begins (UTC); now without it.")
    ] = None,
    author: Annotated[str, typer.Option(help="Who asks; your user name without it.")] = "",
    maintenance: Annotated[
        bool, typer.Option("--maintenance", help="Announced work; the status page shows it.")
    ] = False,
    json: Json = False,
) -> None:
    """Silence the alerts that fulfil all matchers; prints the id."""
    from datetime import UTC

    from trimtab.incidents.intake.matchers import parse_matcher

    session = session_of(context)
    require_service(session)
    begin = start.replace(tzinfo=UTC) if start else SystemClock().now()
    parsed = [parse_matcher(text) for text in matcher]
    body = {
        "matchers": [
            {
                "name": each.name,
                "value": each.value,
                "isRegex": each.is_regex,
                "isEqual": each.is_equal,
            }
            for each in parsed
        ],
        "startsAt": begin.isoformat(),
        "endsAt": (begin + timedelta(minutes=minutes)).isoformat(),
        "createdBy": author or getpass.getuser(),
        "comment": comment,
        "maintenance": maintenance,
    }
    created = session.client.call("POST", "/api/v2/silences", body=body)
    if not printed_as_json(session, created):
        print_line(created["silenceID"])


@app.command("end")
def end(
    context: typer.Context,
    silence: Annotated[str, typer.Argument(metavar="SILENCE", help="Its id.")],
    json: Json = False,
) -> None:
    """End a silence now."""
    session = session_of(context)
    require_service(session)
    body = session.client.call("DELETE", f"/api/v2/silence/{silence}")
    if not printed_as_json(session, body):
        print_line("Ended.")


def _matcher_text(matcher: dict[str, Any]) -> str:
    equal, regex = matcher["isEqual"], matcher["isRegex"]
    operator = ("=~" if equal else "!~") if regex else ("=" if equal else "!=")
    return f"{matcher['name']}{operator}{matcher['value']}"
