"""Builds the calendar of tasks."""

from trimtab.calendar.ports import PersonFor
from trimtab.calendar.service import Calendar
from trimtab.calendar.signals import signals
from trimtab.calendar.store import TaskStore
from trimtab.incidents.module import IncidentRecords
from trimtab.infra.environment import Environment
from trimtab.infra.notify import Outbox
from trimtab.kernel.module import Module
from trimtab.kernel.tasks import ScheduledTask

_LOOK_SECONDS = 30.0


def build(
    env: Environment, records: IncidentRecords, outbox: Outbox, person_for: PersonFor
) -> Module:
    """Return the calendar, which the scheduler keeps up to date.

    Args:
        env: Of the process.
        records: The incidents from which tasks follow.
        outbox: Takes reminders and escalations.
        person_for: Knows who is on call.
    """
    calendar = Calendar(
        TaskStore(env.state, outbox),
        records.store,
        env.settings.calendar,
        env.clock,
        env.audit,
        person_for,
    )
    look = ScheduledTask("plan and remind of tasks", _LOOK_SECONDS, calendar.run)
    return Module("calendar", calendar, signals=signals(calendar), scheduled=(look,))
