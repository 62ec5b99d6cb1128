"""Finds who is on call for a role, by schedules and overrides."""

from dataclasses import dataclass
from datetime import datetime

from trimtab.incidents.errors import OnCallRefused, ScheduleUnknown
from trimtab.incidents.oncall.schedules import Schedule
from trimtab.incidents.oncall.store import Override, OverrideStore
from trimtab.infra.audit import Audit
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class OnCallNow:
    """Person on call by one schedule at an instant."""

    schedule: str
    role: str
    person: str
    """Empty when no one is."""
    override: Override | None
    """The override that says so, if one does."""
    until: datetime
    """When that changes at the latest."""


class OnCall:
    """Schedules and their overrides.

    Args:
        schedules: Of the file; of several for one role the later ones count first.
        store: Keeps the overrides.
        audit: Names the key with which each override was made.
        clock: Of the service.
    """

    def __init__(
        self, schedules: tuple[Schedule, ...], store: OverrideStore, audit: Audit, clock: Clock
    ) -> None:
        self.schedules = schedules
        self._store = store
        self._audit = audit
        self._clock = clock

    def person_for(self, role: str, now: datetime) -> str:
        """Return the person who is on call for a role; empty when no one is known."""
        found = [each.person for each in self.at(now) if each.role == role and each.person]
        return found[-1] if found else ""

    def at(self, now: datetime) -> list[OnCallNow]:
        """Return who is on call by each schedule at an instant."""
        overrides = self._store.after(now)
        return [_now(schedule, overrides, now) for schedule in self.schedules]

    def overrides(self) -> list[Override]:
        """Return the overrides that are not over."""
        return self._store.after(self._clock.now())

    def override(
        self, schedule: str, person: str, times: tuple[datetime, datetime], principal: str
    ) -> Override:
        """Put another person on call for a time; of several overrides the newest counts.

        Args:
            schedule: The schedule's name.
            person: Who is on call.
            times: Start and end.
            principal: Whose key was used; goes to the audit chain.

        Raises:
            ScheduleUnknown: No schedule has that name.
            OnCallRefused: The person has no name, or the end is not after the start and now.
        """
        now, (starts, ends) = self._clock.now(), times
        if schedule not in {each.name for each in self.schedules}:
            raise ScheduleUnknown(f"There is no on-call schedule {schedule[:60]!r}.")
        if not person.strip() or len(person) > 200:
            raise OnCallRefused("An override needs a person.")
        if ends <= max(starts, now):
            raise OnCallRefused("The override ends before it starts, or in the past.")
        added = Override(new_id("override", now), schedule, person, starts, ends, principal)
        self._store.add(added)
        facts = {"schedule": schedule, "person": person, "ends_at": ends.isoformat()}
        self._audit.append(principal, "oncall.overridden", added.id, facts)
        return added

    def end_override(self, override_id: str, principal: str) -> None:
        """Remove an override; raise `ScheduleUnknown` for an unknown one."""
        if not self._store.remove(override_id):
            raise ScheduleUnknown(f"There is no override {override_id[:60]!r}.")
        self._audit.append(principal, "oncall.override_ended", override_id)


def _now(schedule: Schedule, overrides: list[Override], now: datetime) -> OnCallNow:
    mine = [each for each in overrides if each.schedule == schedule.name]
    active = [each for each in mine if each.starts_at <= now < each.ends_at]
    coming = [each.starts_at for each in mine if each.starts_at > now]
    if active:
        newest = active[-1]
        return OnCallNow(schedule.name, schedule.role, newest.person, newest, newest.ends_at)
    until = min([schedule.next_change(now), *coming])
    return OnCallNow(schedule.name, schedule.role, schedule.person_at(now), None, until)
