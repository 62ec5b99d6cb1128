"""`trimtab demo`: the whole loop on a fresh data directory.

Everything is real: the model's files are deleted from the disk, the shipped alert rules fire, and
the operator follows the runbook that a person would read. Only the clock is faster, by ``--speed``.
"""

import json
import logging
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli.runtime.session import Json, Session, session_of
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
PATIENCE_SECONDS = 80.0
"""Real seconds for the incident; then the demo prints its state and gives up."""


class DemoGaveUp(Unavailable):
    """The incident was not resolved in time."""

    code = "demo.gave_up"


class DirectoryNotEmpty(Conflict):
    """The data directory of the demo must be empty."""

    code = "demo.directory_not_empty"


class Story:
    """Tells what happens: a line with its clock for people, one JSON object for programs."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._began = time.monotonic()

    def tell(self, stage: str, text: str, **facts: Any) -> None:
        """Tell one stage, with the real seconds since the start."""
        elapsed = time.monotonic() - self._began
        if self._json:
            line = {"stage": stage, "elapsed_s": round(elapsed, 3), "text": text, **facts}
            sys.stdout.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
        else:
            sys.stdout.write(f"{elapsed:7.1f} s  {stage:<18} {text}\n")
        sys.stdout.flush()

    def show(self, text: str) -> None:
        """Show a longer text, to people only."""
        if not self._json:
            sys.stdout.write(f"\n{text}\n\n")

    def end(self, summary: Mapping[str, object]) -> None:
        """Print the last JSON object, to programs only."""
        if self._json:
            sys.stdout.write(json.dumps(summary) + "\n")


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
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Approve the plan without asking.")
    ] = False,
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
    settings = _settings(session, speed)
    story = Story(as_json=session.json)
    with _running(settings) as (app, address):
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


def _settings(session: Session, speed: float) -> "Settings":
    given = session.flags.get("service.data_dir")
    folder = Path(given) if given else Path(tempfile.mkdtemp(prefix="trimtab-demo-"))
    if folder.exists() and any(folder.iterdir()):
        raise DirectoryNotEmpty(
            f"{folder} is not empty.",
            hint="Give the demo a new directory, or none: then it makes one.",
        )
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
        with served(app.http_apps.network, listener):
            address = f"http://localhost:{listener.getsockname()[1]}/console"
            yield app, f"{address}/login#token={app.sessions.new_link('admin')}"
    finally:
        app.close()


def _ingest(app: "App", story: Story) -> None:
    done = app.handbook.ingest()
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
        agreed = yes or typer.confirm("Approve this plan?", default=False)
        if agreed:
            app.incidents.approve(incident.id, plan.hash, "demo")
        else:
            app.incidents.reject(incident.id, plan.hash, "demo", "declined in the demo")
        story.tell("decided", "approved" if agreed else "rejected", plan=plan.hash)

    return decide


def _break_and_repair(app: "App", story: Story, approve: Approve) -> tuple["Incident", Passed]:
    fault = app.catalog.fault(FAULT)
    state = fault.inject({})
    passed = Passed()
    story.tell("broken", f"{FAULT}: {fault.help}", fault=FAULT)
    try:
        _show_degraded(app, story)
        incident = _first_incident(app, passed)
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


def _first_incident(app: "App", passed: Passed) -> "Incident":
    deadline = passed.broken_at + PATIENCE_SECONDS
    while not (found := app.incidents.list(active=True, limit=1)):
        if time.monotonic() > deadline:
            raise DemoGaveUp(
                f"No alert fired within {PATIENCE_SECONDS:.0f} s.",
                hint="`trimtab alerts` shows what is pending.",
            )
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
        hint=f"Show its state: `trimtab --data-dir {app.directory.path} incidents show "
        f"{incident.id}`.",
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
    story.show(
        f"Look around: trimtab --data-dir {app.directory.path} serve\n"
        f"The incident's page is /console/incidents/{incident.id}"
    )
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
