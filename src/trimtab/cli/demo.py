"""`trimtab demo`: the whole loop on a fresh data directory.

Everything is real: the model's files are deleted from the disk, the shipped alert rules fire, and
the operator follows the runbook that a person would read. Only the clock is faster, by ``--speed``.
"""

import logging
import select
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trimtab.cli.demo_story import Story
from trimtab.cli.runtime.interrupts import ending_at_once, ignored, imports_released
from trimtab.cli.runtime.session import Json, Session, Yes, session_of
from trimtab.kernel.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from trimtab.app import App
    from trimtab.incidents import Entry, Incident
    from trimtab.infra.settings import Settings

app = typer.Typer()

QUESTIONS = (
    "What happens to queries when the embedding model is down?",
    "Which action reinstalls the embedding model's files?",
    "Which cache hit ratio is usual?",
)
FAULT = "knowledge.embedding.remove_model"
_NEXT_STEPS = """Next, on a service of your own:
  1. trimtab serve                        starts it; its console opens with the link it prints
  2. trimtab ingest manuals FOLDER        reads your documents into the project `manuals`
  3. trimtab ask manuals "your question"  answers from them, with the source of every sentence"""
_POLL_SECONDS = 0.2
PATIENCE_SECONDS = 80.0
"""Real seconds for the incident; then the demo prints its state and gives up."""


class DemoGaveUp(Unavailable):
    """The incident was not resolved in time."""

    code = "demo.gave_up"


class DirectoryNotEmpty(Conflict):
    """The data directory of the demo must be empty."""

    code = "demo.directory_not_empty"


@dataclass(slots=True)
class Passed:
    """Real seconds from the fault to each milestone of the incident."""

    broken_at: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)

    def mark(self, milestone: str) -> None:
        """Note the milestone, the first time."""
        self.seconds.setdefault(milestone, round(time.monotonic() - self.broken_at, 3))


@app.command()
def demo(
    context: typer.Context,
    yes: Yes = False,
    speed: Annotated[
        float, typer.Option(min=0.1, max=100, help="Speed of the clock relative to real time.")
    ] = 5.0,
    stay: Annotated[
        bool, typer.Option("--stay", help="Keep the console open at the end, until Ctrl-C.")
    ] = False,
    json: Json = False,
) -> None:
    """Show the whole loop on fresh data: answer, break, detect, repair, prove."""
    session = session_of(context)
    if not yes and not sys.stdin.isatty():
        raise Conflict(
            "The repair needs an approval, and no person is at the terminal.",
            hint="Add --yes to approve it.",
        )
    story = Story(as_json=session.json)
    story.tell(
        "clock",
        f"The service's clock runs {speed:g} times as fast as real time; the incident's times are"
        " of that clock.",
        clock_rate=speed,
    )
    with ending_at_once():
        import trimtab.api.http.server
        import trimtab.app  # noqa: F401 - what the rest needs; seconds of imports.
    with (
        _directory(session) as folder,
        _running(_settings(session, folder, speed)) as (
            app,
            address,
        ),
    ):
        story.tell(
            "started",
            f"The console is at {address}",
            data_dir=str(app.directory.path),
            clock_rate=speed,
        )
        _ingest(app, story)
        for question in QUESTIONS:
            _ask(app, story, question)
        incident, passed = _break_and_repair(app, story, _approval(app, story, yes=yes))
        _finish(app, story, incident, passed)
        if stay:
            _wait_for_interrupt(address)
    if incident.state != "resolved":
        raise typer.Exit(3)


@contextmanager
def _directory(session: Session) -> Iterator[Path]:
    """Yield the data directory: the one that was named, which stays, or one that is removed."""
    given = session.flags.get("service.data_dir")
    if given:
        folder = Path(given)
        if folder.exists() and any(folder.iterdir()):
            raise DirectoryNotEmpty(
                f"{folder} is not empty.",
                hint="Give the demo a new directory, or none: then it makes one.",
            )
        yield folder
        return
    # Unlike `mkdtemp` it removes the folder even if Ctrl-C comes before the next statement.
    made = tempfile.TemporaryDirectory(prefix="trimtab-demo-", ignore_cleanup_errors=True)
    try:
        yield Path(made.name)
    finally:
        with ignored():
            made.cleanup()


def _settings(session: Session, folder: Path, speed: float) -> "Settings":
    settings = session.settings
    service = replace(settings.service, data_dir=folder, clock_rate=speed, drills=True)
    return replace(settings, service=service)


@contextmanager
def _running(settings: "Settings") -> Iterator[tuple["App", str]]:
    """Run the app with its console on the usual port, or a free one when that is taken."""
    from trimtab.api.http.server import AddressInUse, bind, served
    from trimtab.app import build

    logging.basicConfig(level=logging.CRITICAL)
    app = build(settings)
    try:
        try:
            listener = bind(settings.service.host, settings.service.port)
        except AddressInUse:
            listener = bind(settings.service.host, 0)
        app.start(handbook=False)
        with served(app.http_apps.network, listener), imports_released():
            address = f"http://localhost:{listener.getsockname()[1]}/console"
            yield app, f"{address}/login#token={app.sessions.new_link('admin')}"
    finally:
        app.close()


def _ingest(app: "App", story: Story) -> None:
    done = app.handbook.ingest(story.progress)
    story.tell(
        "ingested",
        f"The runbook library and the manual: {len(done.documents)} documents "
        "in the project `handbook`",
        documents=len(done.documents),
        refused=len(done.refused),
    )


def _ask(app: "App", story: Story, question: str) -> None:
    from trimtab.answers import Question
    from trimtab.app import HANDBOOK

    answer = app.answers.answer(Question(project=HANDBOOK, text=question))
    sources = [f"{c.document_name} [{c.start}:{c.end}]" for c in answer.citations]
    text = answer.text if answer.found else "not found"
    story.tell(
        "answered",
        f"{question}\n{'':31}{text}  ({', '.join(sources)})",
        question=question,
        found=answer.found,
        answer=answer.text,
        sources=sources,
    )


Approve = Callable[["Incident"], None]


def _approval(app: "App", story: Story, *, yes: bool) -> Approve:
    def decide(incident: "Incident") -> None:
        plan = incident.episode.plan
        if plan is None:
            return
        for act in plan.acts:
            story.tell(
                "plan",
                f"{act.name}: {act.dry_run}",
                action=act.name,
                risk=act.risk,
                because=plan.approval_because,
            )
        agreed = yes or _asked(app, incident.id, plan.hash)
        if agreed is None:
            decided = app.incidents.approval(incident.id)
            principal = decided.principal if decided and decided.decision else "unknown"
            what = decided.decision if decided and decided.decision else "decided"
            story.tell("decided", f"{what} in the console by {principal}", plan=plan.hash)
            return
        if agreed:
            app.incidents.approve(incident.id, plan.hash, "demo")
        else:
            app.incidents.reject(incident.id, plan.hash, "demo", "declined in the demo")
        story.tell("decided", "approved" if agreed else "rejected", plan=plan.hash)

    return decide


def _asked(app: "App", incident_id: str, plan_hash: str) -> bool | None:
    """Ask at the terminal; return None when the plan is decided in the console meanwhile."""
    sys.stdout.write("Approve this plan, here or in the console? [y/N]: ")
    sys.stdout.flush()
    while not select.select([sys.stdin], [], [], _POLL_SECONDS)[0]:
        approval = app.incidents.approval(incident_id)
        if approval is None or approval.plan_hash != plan_hash or approval.decision:
            sys.stdout.write("\n")
            return None
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _break_and_repair(app: "App", story: Story, approve: Approve) -> tuple["Incident", Passed]:
    fault = app.catalog.fault(FAULT)
    state = fault.inject({})
    passed = Passed()
    story.tell("broken", f"{FAULT}: {fault.help}", fault=FAULT)
    try:
        _show_degraded(app, story)
        incident = _first_incident(app, story, passed)
        incident = _follow(app, story, incident, passed, approve)
    except BaseException:
        with suppress(Exception):
            fault.restore(state)
        raise
    return incident, passed


def _show_degraded(app: "App", story: Story) -> None:
    from trimtab.app import HANDBOOK

    found = app.knowledge.search(HANDBOOK, "what to do when the model is gone", 3)
    story.tell(
        "degraded",
        f"Search continues with keywords: {len(found.passages)} passages, "
        f"degraded_mode {found.degraded_mode}",
        degraded_mode=found.degraded_mode,
        passages=len(found.passages),
    )
    note = app.knowledge.ingest_text(
        HANDBOOK, "note.md", "# Note\n\nWritten while the model was down."
    )
    story.tell(
        "queued",
        f"A new document is {note.status}: {note.reason}",
        status=note.status,
        reason=note.reason,
    )


def _first_incident(app: "App", story: Story, passed: Passed) -> "Incident":
    deadline = passed.broken_at + PATIENCE_SECONDS
    while not (found := app.incidents.list(active=True, limit=1)):
        if time.monotonic() > deadline:
            raise DemoGaveUp(
                f"No alert fired within {PATIENCE_SECONDS:.0f} s.",
                hint="`trimtab alerts` shows what is pending.",
            )
        story.wait("waiting until the alert fires")
        time.sleep(0.05)
    return found[0]


def _follow(
    app: "App", story: Story, incident: "Incident", passed: Passed, approve: Approve
) -> "Incident":
    seen, asked = 0, ""
    while time.monotonic() < passed.broken_at + PATIENCE_SECONDS:
        for entry in app.incidents.follow(incident.id, seen, 0.5):
            seen = entry.seq
            _tell_entry(story, entry)
        incident = app.incidents.get(incident.id)
        _mark(passed, incident)
        story.wait(f"{incident.id} is {incident.state.replace('_', ' ')}")
        if incident.state in {"resolved", "escalated", "not_verified"}:
            return incident
        if (
            incident.state == "awaiting_approval"
            and incident.episode.plan
            and incident.episode.plan.hash != asked
        ):
            asked = incident.episode.plan.hash
            before = time.monotonic()
            approve(incident)
            passed.broken_at += (
                time.monotonic() - before
            )  # A person's time to think is not the machine's.
    raise DemoGaveUp(
        f"{incident.id} is {incident.state} after {PATIENCE_SECONDS:.0f} s.",
        hint="Repeat it with `trimtab --data-dir DIR demo`, which keeps what it stores in DIR.",
    )


def _tell_entry(story: Story, entry: "Entry") -> None:
    story.tell(entry.stage, entry.text, at=entry.at.isoformat(), actor=entry.actor, seq=entry.seq)


def _mark(passed: Passed, incident: "Incident") -> None:
    passed.mark("detected_s")
    if incident.episode.diagnosis is not None:
        passed.mark("diagnosed_s")
    if incident.state == "resolved":
        passed.mark("resolved_s")


def _finish(app: "App", story: Story, incident: "Incident", passed: Passed) -> None:
    text = app.incidents.postmortem(incident.id)
    if incident.state == "resolved":
        app.knowledge.drain()
        left = len(app.knowledge.documents.queued())
        story.tell("drained", f"Documents still waiting for the model: {left}", queued=left)
    story.tell(
        "postmortem", f"{incident.id} is {incident.state}", incident=incident.id, markdown=text
    )
    story.show(text)
    story.show(_NEXT_STEPS)
    story.end(
        {
            "answers": len(QUESTIONS),
            "incident": incident.id,
            "state": str(incident.state),
            "detected_s": passed.seconds.get("detected_s"),
            "diagnosed_s": passed.seconds.get("diagnosed_s"),
            "resolved_s": passed.seconds.get("resolved_s"),
        }
    )


def _wait_for_interrupt(address: str) -> None:
    sys.stderr.write(f"The console stays open at {address} until Ctrl-C.\n")
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
