"""A calendar on a database of its own, beside incidents that are written as tests need them."""

from dataclasses import replace
from datetime import timedelta

from tests.databases import open_at
from tests.incidents.records import drift_incident
from trimtab.calendar import Calendar
from trimtab.calendar.store import TaskStore
from trimtab.incidents.state import State
from trimtab.incidents.store import IncidentStore
from trimtab.infra.audit import Audit
from trimtab.infra.notify import Outbox
from trimtab.infra.settings.sections.calendar import CalendarSettings
from trimtab.testing.clock import FakeClock

CHAINS = ("state", "incidents", "notify", "calendar")


class CalendarWorld:
    """Attributes are the parts; `calendar` is what is under test."""

    def __init__(self, folder, clock=None, **settings):
        self.clock = clock or FakeClock()
        self.database = open_at(folder / "state.db", CHAINS)
        self.outbox = Outbox(self.database)
        self.incidents = IncidentStore(self.database, self.outbox)
        self.settings = replace(CalendarSettings(), **settings)
        self.audit = Audit(self.database, self.clock)
        self.people = {}
        self.calendar = Calendar(
            TaskStore(self.database, self.outbox),
            self.incidents,
            self.settings,
            self.clock,
            self.audit,
            lambda role, _now: self.people.get(role, ""),
        )

    def open(self, **changes):
        """Open an incident now; return it."""
        values = {"state": State.DIAGNOSED, "opened_at": self.clock.now(), "restored_at": None}
        found = drift_incident(**{**values, **changes})
        return self.incidents.open(lambda new: replace(found, id=new), "INC-2026-0314", ())

    def resolve(self, incident, **changes):
        """Resolve it now; return it."""
        now = self.clock.now()
        values = {"restored_at": now, "resolved_at": now, "postmortem": "# Post-Mortem"}
        return self._put(incident, state=State.RESOLVED, **values, **changes)

    def _put(self, incident, **changes):
        # Straight to the end: the states between are the incidents' own tests.
        after = self.incidents.get(incident.id).updated(**changes)
        with self.database.write() as connection:
            self.incidents._save(connection, incident, after, self.clock.now())
        self.incidents._tell(incident.id)
        return after

    def tasks(self, incident, status=None):
        """Return the tasks of an incident by kind."""
        found = self.calendar.store.list(status, subject=incident.id)
        return {each.kind: each for each in found}

    def hours_until(self, task):
        return (task.due_at - self.clock.now()) / timedelta(hours=1)

    def sent(self):
        """Return channel, kind and text of every message."""
        due = self.outbox.due(self.clock.now(), limit=1000)
        return [(each.message.channel, each.message.kind, each.message.text) for each in due]

    def close(self):
        self.database.close()
