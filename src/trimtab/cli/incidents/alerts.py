"""`incidents alerts` and `incidents send`: received alerts, and a test alert."""

from typing import Annotated

import typer

from trimtab.cli.runtime.console import format_time, print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, session_of
from trimtab.kernel.errors import InvalidInput

app = typer.Typer(no_args_is_help=True)
Matchers = Annotated[
    list[str] | None,
    typer.Argument(metavar="[MATCHER]...", help='Such as severity=critical or job=~"web.*".'),
]


class LabelRefused(InvalidInput):
    """A label is not written as NAME=VALUE."""

    code = "cli.label_refused"
    default_hint = "Write it as NAME=VALUE, such as severity=critical."


@app.command("alerts")
def list_alerts(
    context: typer.Context,
    matcher: Matchers = None,
    silenced: Annotated[bool, typer.Option(help="Also suppressed ones.")] = True,
    json: Json = False,
) -> None:
    """List alerts from outside and the firing alerts of trimtab's rules."""
    session = session_of(context)
    shown = "true" if silenced else "false"
    params = {"filter": matcher or [], "silenced": shown, "inhibited": shown}
    found = session.client.call("GET", "/api/v2/alerts", params=params)
    if printed_as_json(session, {"alerts": found}):
        return
    print_table(
        ("alert", "labels", "since", "state", "suppressed by"),
        (
            (
                alert["labels"].get("alertname", ""),
                " ".join(
                    f"{name}={value}"
                    for name, value in alert["labels"].items()
                    if name != "alertname"
                ),
                format_time(alert["startsAt"]),
                alert["status"]["state"],
                " ".join((*alert["status"]["silencedBy"], *alert["status"]["inhibitedBy"])),
            )
            for alert in found
        ),
    )


@app.command("send")
def send(
    context: typer.Context,
    label: Annotated[
        list[str], typer.Argument(metavar="LABEL...", help="NAME=VALUE; alertname=NAME is one.")
    ],
    annotation: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE, such as summary=TEXT; repeatable.")
    ] = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="It is over.")] = False,
    json: Json = False,
) -> None:
    """Send an alert, to try how it is grouped and who is called."""
    session = session_of(context)
    alert = {
        "status": "resolved" if resolved else "firing",
        "labels": _pairs(label),
        "annotations": _pairs(annotation or []),
    }
    body = {"version": "4", "alerts": [alert]}
    counts = session.client.call("POST", "/v1/alerts/webhooks/alertmanager", body=body)
    if not printed_as_json(session, counts):
        summary = ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in _COUNTS)
        print_line(f"Accepted: {summary}.")


_COUNTS = ("fired", "repeated", "resolved", "unknown_resolved")


def _pairs(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise LabelRefused(f"{text[:100]!r} is not a label.")
        found[name] = value
    return found
