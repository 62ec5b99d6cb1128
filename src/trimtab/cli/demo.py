"""`trimtab demo`: the whole loop on a fresh data directory.

Everything is real: the model's files are deleted from the disk, the shipped alert rules fire, and
the operator follows the runbook that a person would read. Only the clock is faster, by ``--speed``.
"""

import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trimtab.cli.demo_loop import (
    Approve,
    Passed,
    approval,
    directory,
    first_incident,
    follow,
    running,
)
from trimtab.cli.demo_story import Story
from trimtab.cli.runtime.interrupts import ending_at_once
from trimtab.cli.runtime.session import Json, Session, Yes, session_of
from trimtab.kernel.errors import Conflict

if TYPE_CHECKING:
    from trimtab.app import App
    from trimtab.incidents import Incident
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
    kubernetes: Annotated[
        bool,
        typer.Option("--kubernetes", help="Show it on a cluster: a bad rollout is rolled back."),
    ] = False,
    kubeconfig: Annotated[
        str, typer.Option(help="The cluster's file; default: the setting, KUBECONFIG, ~/.kube.")
    ] = "",
    namespace: Annotated[
        str, typer.Option(help="One that is there; by default one is made and deleted.")
    ] = "",
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
    if kubernetes:
        from trimtab.cli.demo_kubernetes import show

        state = show(session, story, speed, kubeconfig, namespace, yes=yes)
    else:
        state = _show_here(session, story, speed, yes=yes, stay=stay)
    if state != "resolved":
        raise typer.Exit(3)


def _show_here(session: Session, story: Story, speed: float, *, yes: bool, stay: bool) -> str:
    """Show the loop in this process; return the incident's last state."""
    with (
        directory(session) as folder,
        running(_settings(session, folder, speed)) as (app, address),
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
        incident, passed = _break_and_repair(app, story, approval(app, story, yes=yes))
        _finish(app, story, incident, passed)
        if stay:
            _wait_for_interrupt(address)
    return incident.state


def _settings(session: Session, folder: Path, speed: float) -> "Settings":
    settings = session.settings
    service = replace(settings.service, data_dir=folder, clock_rate=speed, drills=True)
    return replace(settings, service=service)


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


def _break_and_repair(app: "App", story: Story, approve: Approve) -> tuple["Incident", Passed]:
    fault = app.catalog.fault(FAULT)
    state = fault.inject({})
    passed = Passed()
    story.tell("broken", f"{FAULT}: {fault.help}", fault=FAULT)
    try:
        _show_degraded(app, story)
        incident = first_incident(app, story, passed)
        incident = follow(app, story, incident, passed, approve)
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
