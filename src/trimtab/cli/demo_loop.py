"""Parts of the demos: a service on a fresh directory, and following one incident to its end."""

import logging
import select
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.cli.demo_story import Story
from trimtab.cli.runtime.interrupts import ignored, imports_released
from trimtab.cli.runtime.session import Session
from trimtab.kernel.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from trimtab.app import App
    from trimtab.incidents import Entry, Incident
    from trimtab.infra.settings import Settings

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
    patience_seconds: float = PATIENCE_SECONDS
    seconds: dict[str, float] = field(default_factory=dict)

    def mark(self, milestone: str) -> None:
        """Note the milestone, the first time."""
        self.seconds.setdefault(milestone, round(time.monotonic() - self.broken_at, 3))


@contextmanager
def directory(session: Session) -> Iterator[Path]:
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


@contextmanager
def running(settings: "Settings") -> Iterator[tuple["App", str]]:
    """Run the app with its console on the usual port, or a free one when that is taken."""
    from trimtab.api.http.server import AddressInUse, bind, served
    from trimtab.app import build
    from trimtab.infra.interpreter import prepare_process

    prepare_process()
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


Approve = Callable[["Incident"], None]


def approval(app: "App", story: Story, *, yes: bool) -> Approve:
    """Return what decides on a plan: the answer at the terminal or in the console, or ``yes``."""

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


def first_incident(app: "App", story: Story, passed: Passed) -> "Incident":
    """Wait for the incident that an alert opens; raises `DemoGaveUp`."""
    deadline = passed.broken_at + passed.patience_seconds
    while not (found := app.incidents.list(active=True, limit=1)):
        if time.monotonic() > deadline:
            raise DemoGaveUp(
                f"No alert fired within {passed.patience_seconds:.0f} s.",
                hint="`trimtab alerts` shows what is pending.",
            )
        story.wait("waiting until the alert fires")
        time.sleep(0.05)
    return found[0]


def follow(
    app: "App", story: Story, incident: "Incident", passed: Passed, approve: Approve
) -> "Incident":
    """Tell the timeline of an incident until it ends; raises `DemoGaveUp`."""
    seen, asked = 0, ""
    while time.monotonic() < passed.broken_at + passed.patience_seconds:
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
        f"{incident.id} is {incident.state} after {passed.patience_seconds:.0f} s.",
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
