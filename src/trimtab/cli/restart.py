"""`restart`: drain and restart the running service."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from trimtab.cli.incidents.inspect import require_service
from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, Session, Yes, confirm, session_of
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.errors import TrimtabError, Unavailable

app = typer.Typer()
_LOOK_SECONDS = 0.25


class NotBack(Unavailable):
    """The service has not come back after its restart."""

    code = "cli.not_back"
    default_hint = "`trimtab logs --since 5m` says why; `trimtab serve` starts it."


@app.command()
def restart(
    context: typer.Context,
    wait: Annotated[float, typer.Option(min=1, help="Seconds to wait for its return.")] = 120.0,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Do nothing from this date on (UTC); for CronJobs."
        ),
    ] = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Finish the requests under way, then start the service again and wait for it."""
    session = session_of(context)
    if until and SystemClock().now() >= until.replace(tzinfo=UTC):
        if not printed_as_json(session, {"restarted": False, "until": f"{until:%Y-%m-%d}"}):
            print_line(f"Not restarted: this was asked for until {until:%Y-%m-%d}.")
        return
    require_service(session)
    confirm("Restart the service?", yes=yes)
    restart_and_wait(session, wait)
    found = session.client.call("GET", "/health")
    if not printed_as_json(session, {"restarted": True, "status": found["status"]}):
        print_line(f"The service is back and {found['status']}.")


def restart_and_wait(session: Session, wait: float = 120.0) -> None:
    """Restart the service and return when it answers again.

    Raises:
        NotBack: It does not answer in time.
    """
    before = _starts(session)
    body = {"arguments": {}, "approve": True}
    session.client.call("POST", "/v1/actions/service.restart", body=body)
    ends = time.monotonic() + wait
    while time.monotonic() < ends:
        time.sleep(_LOOK_SECONDS)
        session.close()
        session._client = None  # noqa: SLF001 - the connection went with the former process.
        # Without a service a command works on the data directory itself, and would take its lock.
        if not session.url and session.running_directory() is None:
            continue
        try:
            if _starts(session) != before:
                break
        except (TrimtabError, OSError):
            continue
    else:
        raise NotBack(f"The service is not back after {wait:g} s.")


def _starts(session: Session) -> str:
    """Return the moment of the service's start."""
    body: dict[str, Any] = session.client.call("GET", "/v1/service")
    return str(body["started_at"])
