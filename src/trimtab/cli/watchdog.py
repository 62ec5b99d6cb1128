"""`watchdog`: watch a service from outside, and call people when it is down."""

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from trimtab.cli.runtime.console import print_json, print_line
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Session, session_of

if TYPE_CHECKING:
    from trimtab.infra.watchdog import Watchdog, WatchReport

app = typer.Typer()


@app.command()
def watchdog(
    context: typer.Context,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 10.0,
    down_after: Annotated[
        float, typer.Option(min=0, help="Seconds of an outage before people are called.")
    ] = 300.0,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that an answer may take.")] = 5.0,
    once: Annotated[bool, typer.Option(help="Look once; exit 6 when the service is down.")] = False,
    json: Json = False,
) -> None:
    """Watch a service from outside; call people when it is down.

    It is a process of its own; Ctrl-C ends it.

    It needs no database: run it on another machine with the same `notify` settings and `--url`.
    """
    session = session_of(context)
    found = _watchdog(session, down_after, timeout)
    if once:
        report = found.look()
        _tell(session, report)
        if report.why:
            raise typer.Exit(Exit.TRY_LATER)
        return
    stop, last = threading.Event(), [""]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def tell_changes(report: "WatchReport") -> None:
        state = f"{report.finding} {report.called}"
        if state != last[0]:
            _tell(session, report)
        last[0] = state

    found.watch(interval, stop, tell_changes)
    raise typer.Exit(Exit.OK)


def _watchdog(session: Session, down_after: float, timeout: float) -> "Watchdog":
    from trimtab.infra.notify.module import open_channels
    from trimtab.infra.watchdog import Watchdog, http_probe
    from trimtab.kernel.clock import SystemClock

    settings = session.settings
    service = settings.service
    host = "127.0.0.1" if service.host in ("0.0.0.0", "::", "") else service.host  # noqa: S104
    url = session.url or f"http://{host}:{service.port}"
    channels = tuple(open_channels(settings.notify))
    return Watchdog(http_probe(url, timeout), channels, SystemClock(), down_after)


def _tell(session: Session, report: "WatchReport") -> None:
    if session.json:
        print_json({"finding": report.finding, "why": report.why, "called": list(report.called)})
    else:
        print_line(report.text)
