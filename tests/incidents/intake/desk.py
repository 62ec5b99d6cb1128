"""The intake of alerts around an operator with fake time and fake jobs."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from tests.incidents.operator import Operator, make_context
from tests.incidents.world import PAGE, World
from trimtab.incidents import Incidents
from trimtab.incidents.intake import AlertIntake, SilenceRequest, Silences
from trimtab.incidents.intake.config import load_config
from trimtab.incidents.intake.matchers import parse_matcher
from trimtab.incidents.intake.service import IntakeContext
from trimtab.incidents.intake.store import AlertStore
from trimtab.incidents.intake.suppression import Suppression
from trimtab.incidents.intake.view import ReceivedAlerts
from trimtab.testing.clock import FakeClock
from trimtab.testing.jobs import FakeJobs


@dataclass
class Desk:
    """Everything a test of the intake wants to look at."""

    operator: Operator
    intake: AlertIntake
    silences: Silences
    store: AlertStore
    suppression: Suppression

    @property
    def clock(self):
        return self.operator.clock

    @property
    def incidents(self):
        return self.operator.incidents

    def post(self, *alerts):
        """Post alerts as Prometheus does, and report them."""
        counts = self.intake.receive_posted(list(alerts))
        self.intake.process()
        return counts

    def webhook(self, *alerts, **more):
        """Send a webhook of Alertmanager, and report its alerts."""
        counts = self.intake.receive_webhook({"version": "4", "alerts": list(alerts), **more})
        self.intake.process()
        return counts

    def open(self):
        """Return the active incidents, the newest first."""
        return self.incidents.list(active=True, limit=1000)

    def later(self, **time):
        self.clock.advance(timedelta(**time).total_seconds())


def posted(name="DiskFull", at=None, ends=None, annotations=None, **labels):
    """Return an alert as Prometheus posts it."""
    alert = {"labels": {"alertname": name, **labels}, "annotations": annotations or {}}
    if at is not None:
        alert["startsAt"] = at.isoformat()
    if ends is not None:
        alert["endsAt"] = ends.isoformat()
    return alert


def sent(status="firing", name="DiskFull", annotations=None, **labels):
    """Return an alert as a webhook of Alertmanager carries it."""
    return {
        "status": status,
        "labels": {"alertname": name, **labels},
        "annotations": annotations or {},
        "startsAt": "2026-03-14T09:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
    }


def silence(desk, *matchers, minutes=60, start=0, **more):
    """Silence alerts for some minutes, by default those named DiskFull; return the silence."""
    now = desk.clock.now()
    request = SilenceRequest(
        matchers=tuple(map(parse_matcher, matchers or ("alertname=DiskFull",))),
        starts_at=now + timedelta(minutes=start),
        ends_at=now + timedelta(minutes=start + minutes),
        created_by="bob",
        comment="planned work",
        **more,
    )
    return desk.silences.put(request, "alice")


def make_desk(folder: Path, *, config: str = "", page: str = PAGE, **settings) -> Desk:
    """Return an intake on a database in the folder.

    Args:
        folder: Holds the database and the tank.
        config: Content of the alerts file; the shipped one when empty.
        page: The only runbook.
        settings: Of incidents.
    """
    world, clock = World(folder / "world.json"), FakeClock()
    jobs = FakeJobs(clock)
    context, outbox, audit = make_context(folder, world, clock, page, **settings)
    file = folder / "alerts.yaml"
    file.write_text(config)
    loaded = load_config(str(file) if config else "")
    store = AlertStore(context.store._database)
    suppression = Suppression(loaded, store.silences())
    context = replace(context, outside=ReceivedAlerts(store, suppression, clock))
    incidents = Incidents(context, jobs)
    intake = AlertIntake(
        IntakeContext(store, incidents, suppression, loaded, context.settings, clock, world.firing)
    )

    def changed(silences):
        suppression.replace_silences(silences)
        intake.check_now()

    silences = Silences(store, audit, clock, changed)
    operator = Operator(world, clock, jobs, context, incidents, outbox, audit)
    return Desk(operator, intake, silences, store, suppression)
