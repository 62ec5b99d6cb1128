"""`drills outage`: kill a whole service and check that people are called and nothing is lost."""

import json as json_lines
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.drills.run import app
from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, session_of
from trimtab.infra.child_process import ChildProcess
from trimtab.kernel.errors import Unavailable

_START_SECONDS = 300.0
_LOOK_SECONDS = 0.2
_KEPT_VARIABLES = {"LANG", "LC_ALL", "PATH", "PYTHONPATH", "TMPDIR"}
_WORD = "bilgepump"
_TEXT = f"The {_WORD} keeps the trimtab dry.\n"


class DrillTimedOut(Unavailable):
    """A step of the outage drill did not happen in time."""

    code = "drills.outage_timed_out"
    default_hint = "The machine may be too busy: repeat the drill, or read the service's log."


@dataclass(frozen=True, slots=True)
class OutageStep:
    """One step of the drill: what had to happen, and what did."""

    name: str
    passed: bool
    detail: str


@dataclass(slots=True)
class PagerReceiver:
    """Receives the events that would go to PagerDuty; the record of who was called."""

    events: list[dict[str, object]] = field(default_factory=list)

    def actions(self) -> list[str]:
        """Return what the events did, in order: ``trigger`` or ``resolve``."""
        return [str(event["event_action"]) for event in self.events]


@dataclass(slots=True)
class KillableService:
    """A `trimtab serve` in a process of its own, on its own data directory."""

    folder: Path
    port: int = 0
    url: str = ""
    child: ChildProcess | None = None

    def start(self) -> None:
        """Start it on the port that it had before; return when it serves."""
        self.child = ChildProcess(
            self._command("--set", f"service.port={self.port}", "serve"),
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self._environment(),
        )
        self.url = _address(self.child.process)
        self.port = int(self.url.rpartition(":")[2])

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command on its data directory."""
        return subprocess.run(  # noqa: S603 - our own command, run by this interpreter.
            self._command(*words),
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self._environment(),
            timeout=_START_SECONDS,
            check=False,
        )

    def kill(self) -> None:
        """End it as `kill -9` does. May be called twice."""
        if self.child is not None:
            self.child.kill()

    def _command(self, *words: str) -> list[str]:
        program = [sys.executable, "-c", "from trimtab.cli import main; main()"]
        return [*program, "--data-dir", str(self.folder / "data"), *words]

    def _environment(self) -> dict[str, str]:
        """Return variables without settings, so that this service calls no one by itself.

        Its home is its own, so that it is not in the user's list of running services.
        """
        variables = os.environ  # noqa: TID251 - no setting is read from it.
        kept = {name: value for name, value in variables.items() if name in _KEPT_VARIABLES}
        return {**kept, "HOME": str(self.folder)}


@app.command("outage")
def outage(
    context: typer.Context,
    down_after: Annotated[
        float, typer.Option(min=0.0, help="Seconds of the outage before people are called.")
    ] = 1.0,
    json: Json = False,
) -> None:
    """Kill a whole service: people must be called, and a restart must lose nothing.

    It starts a service of its own on a fresh data directory, with a watchdog and a receiver in
    place of PagerDuty. The running service is not touched. Exit 1 when a step fails.
    """
    session = session_of(context)
    steps = list(_drill(down_after))
    passed = all(step.passed for step in steps)
    if not printed_as_json(session, {"passed": passed, "steps": [asdict(each) for each in steps]}):
        rows = ((each.name, "yes" if each.passed else "NO", each.detail) for each in steps)
        print_table(("step", "passed", "what happened"), rows)
        print_line("The outage drill passed." if passed else "The outage drill FAILED.")
    if not passed:
        raise typer.Exit(Exit.FAILED)


def _drill(down_after: float) -> Iterator[OutageStep]:
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="trimtab-outage-")))
        service = KillableService(folder)
        undo.callback(service.kill)
        service.start()
        look, pager = undo.enter_context(_watched(service.url, down_after))
        (folder / "note.txt").write_text(_TEXT, encoding="utf-8")
        taken = service.run("ingest", "drill", str(folder / "note.txt"))
        state = look()
        serves = taken.returncode == 0 and state == "up"
        detail = f"it is {state}; the ingestion ended with code {taken.returncode}"
        yield OutageStep("serves", serves, detail)
        service.kill()
        yield from _down(service, look, pager)
        service.start()
        yield from _back(service, look, pager)


def _down(
    service: KillableService, look: Callable[[], str], pager: PagerReceiver
) -> Iterator[OutageStep]:
    from trimtab.infra.notify.outage import SUBJECT

    began = time.monotonic()
    state = service.run("status").returncode
    detail = f"`trimtab status` ends with code {state}"
    yield OutageStep("down", state == int(Exit.TRY_LATER), detail)
    seen = _wait_for(lambda: look() == "down")
    yield OutageStep("noticed", seen, f"{time.monotonic() - began:.1f} s after the kill")
    keys = [event["dedup_key"] for event in pager.events if event["event_action"] == "trigger"]
    yield OutageStep("people called", keys == [SUBJECT], f"{len(keys)} call of the on-call person")


def _back(
    service: KillableService, look: Callable[[], str], pager: PagerReceiver
) -> Iterator[OutageStep]:
    back = _wait_for(lambda: look() == "up")
    yield OutageStep("back", back, f"the service is {look()}")
    actions = pager.actions()
    ended = actions == ["trigger", "resolve"]
    yield OutageStep("people told", ended, f"events: {', '.join(actions)}")
    found = service.run("search", "drill", _WORD, "--json")
    kept = _WORD in found.stdout
    detail = f"the document from before the kill is {'found' if kept else 'not found'}"
    yield OutageStep("nothing lost", kept, detail)
    read = service.run("read", "service.kills", "--json")
    kills = json_lines.loads(read.stdout)["signals"][0]["samples"][0]["value"]
    yield OutageStep("recorded", kills == 1, f"service.kills is {kills:g}")


@contextmanager
def _watched(url: str, down_after: float) -> Iterator[tuple[Callable[[], str], PagerReceiver]]:
    """Yield a watchdog's look at the service, and what it sends."""
    from http.server import BaseHTTPRequestHandler

    import httpx

    from trimtab.infra.notify.fault_servers import LoopbackServer
    from trimtab.infra.notify.pagerduty import PagerDutyChannel
    from trimtab.infra.watchdog import Watchdog, http_probe
    from trimtab.kernel.clock import SystemClock

    pager = PagerReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("content-length", 0))
            pager.events.append(json_lines.loads(self.rfile.read(size)))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = LoopbackServer(Handler)
    try:
        with httpx.Client(timeout=10.0) as client:
            channel = PagerDutyChannel(f"http://127.0.0.1:{server.port}", "drill", client)
            dog = Watchdog(http_probe(url, 10.0), (channel,), SystemClock(), down_after)
            yield lambda: str(dog.look().finding), pager
    finally:
        server.stop()


def _wait_for(holds: Callable[[], bool]) -> bool:
    ends = time.monotonic() + _START_SECONDS
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def _address(process: "subprocess.Popen[str]") -> str:
    """Return where the service says that it serves; later lines are read and dropped."""
    found: list[str] = []
    known = threading.Event()

    def listen() -> None:
        assert process.stderr is not None  # noqa: S101 - it is a pipe; for mypy.
        with process.stderr as lines:
            for line in lines:
                if "is serving at" in line and not found:
                    found.append(line.split()[-1])
                    known.set()
        known.set()

    threading.Thread(target=listen, name="outage-drill", daemon=True).start()
    if not known.wait(_START_SECONDS) or not found:
        raise DrillTimedOut("The service of the drill did not start.")
    return found[0]
