"""Facade of the calendar: plans tasks, reminds their owners, and escalates overdue ones."""

import threading
from datetime import datetime, timedelta

from trimtab.calendar.errors import BadTask, TaskClosed, TaskUnknown
from trimtab.calendar.planning import incident_tasks, quarterly_tasks, report_task, report_written
from trimtab.calendar.ports import IncidentSource, PersonFor
from trimtab.calendar.records import CalendarTask, NewTask, TaskKind, TaskStatus
from trimtab.calendar.store import TaskStore
from trimtab.infra.audit import Audit
from trimtab.infra.notify import Kind, Message
from trimtab.infra.settings.sections.calendar import CalendarSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import new_id

_LOOK_BACK = timedelta(days=7)
"""Incidents that ended before are not planned any more: at an upgrade no one wants their tasks."""
_DAY = timedelta(days=1)
_REMINDED_LAST_QUARTER = 0.25


class Calendar:
    """Dated tasks with owners, derived from incidents and quarters, or written by people.

    Args:
        store: The tasks.
        incidents: Records from which tasks follow.
        settings: Deadlines, reminders and escalation.
        clock: Of the service.
        audit: Records what people change.
        person_for: Knows who is on call.
    """

    def __init__(
        self,
        store: TaskStore,
        incidents: IncidentSource,
        settings: CalendarSettings,
        clock: Clock,
        audit: Audit,
        person_for: PersonFor,
    ) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self._incidents = incidents
        self._audit = audit
        self._person_for = person_for
        self._changed: set[str] | None = None
        """Incidents that changed since the last planning; None before the first."""
        self._lock = threading.Lock()
        incidents.listen(self._notice)

    def run(self) -> None:
        """Plan what follows from the records, then remind and escalate."""
        self.plan()
        self.remind()

    def plan(self) -> int:
        """Add the tasks that follow from incidents and from the quarter; return how many are new.

        Planning repeats safely: a task's id is made of its origin.
        """
        now = self.clock.now()
        added = self.store.add(quarterly_tasks(now, self.settings), now)
        for incident_id in self._to_plan(now):
            added += self._plan_incident(incident_id, now)
        return added

    def remind(self) -> list[str]:
        """Remind owners of what is due soon, and escalate what is overdue; return the task ids."""
        now = self.clock.now()
        notified = []
        for task in self.store.list():
            if task.due_at <= now:
                notified += self._escalate(task, now)
            elif task.reminded_at is None and task.due_at - self._notice_time(task) <= now:
                self._remind(task, now)
                notified.append(task.id)
        return notified

    def add(
        self, title: str, owner: str, due_at: datetime, principal: str, link: str = ""
    ) -> CalendarTask:
        """Add a task of a person's own.

        Raises:
            BadTask: It has no title or owner, or is due in the past.
        """
        now = self.clock.now()
        if not title.strip() or not owner.strip():
            raise BadTask("A task needs a title and an owner.")
        if due_at <= now:
            raise BadTask(
                f"The task is due at {due_at:%Y-%m-%d %H:%M} UTC, which is in the past.",
                hint="Name a later time.",
            )
        task = NewTask(
            new_id("task", now),
            TaskKind.OTHER,
            title.strip(),
            owner.strip(),
            due_at,
            link=link,
            created_by=principal,
        )
        self.store.add([task], now)
        self._audit.append(principal, "calendar.added", task.id, {"due_at": due_at.isoformat()})
        return self.find(task.id)

    def find(self, task_id: str) -> CalendarTask:
        """Return the task, or raise `TaskUnknown`."""
        found = self.store.find(task_id)
        if found is None:
            raise TaskUnknown(f"The calendar has no task {task_id[:80]!r}.")
        return found

    def finish(self, task_id: str, principal: str, note: str = "") -> CalendarTask:
        """Mark a task as done; repeating it changes nothing.

        Raises:
            TaskUnknown: There is none.
            TaskClosed: It was dropped.
        """
        return self._close(task_id, TaskStatus.DONE, principal, note)

    def drop(self, task_id: str, principal: str, note: str) -> CalendarTask:
        """Decide that a task is not done, and why.

        Raises:
            BadTask: The reason is missing.
            TaskUnknown: There is none.
            TaskClosed: It is done.
        """
        if not note.strip():
            raise BadTask("A task is dropped for a reason.", hint="Add a note that says why.")
        return self._close(task_id, TaskStatus.DROPPED, principal, note)

    def move(
        self, task_id: str, principal: str, *, owner: str = "", due_at: datetime | None = None
    ) -> CalendarTask:
        """Give a task another owner or another time; it is reminded of and escalated afresh.

        Raises:
            BadTask: Neither is given, or the time is in the past.
            TaskUnknown: There is none.
            TaskClosed: It is done or dropped.
        """
        if not owner.strip() and due_at is None:
            raise BadTask("Name another owner or another time.")
        if due_at is not None and due_at <= self.clock.now():
            raise BadTask("The new time is in the past.", hint="Name a later time.")
        values: dict[str, object] = {"owner": owner.strip()} if owner.strip() else {}
        if due_at is not None:
            values |= {"due_at": due_at, "reminded_at": "", "escalations": 0}

        def change(task: CalendarTask) -> dict[str, object]:
            if task.status is not TaskStatus.OPEN:
                raise TaskClosed(f"The task {task.id} is {task.status}.")
            return values

        moved = self.store.change(task_id, change)
        if moved is None:
            return self.find(task_id)
        facts = {"owner": moved.owner, "due_at": moved.due_at.isoformat()}
        self._audit.append(principal, "calendar.moved", task_id, facts)
        return moved

    def _close(self, task_id: str, status: TaskStatus, principal: str, note: str) -> CalendarTask:
        now = self.clock.now()

        def change(task: CalendarTask) -> dict[str, object] | None:
            if task.status is status:
                return None
            if task.status is not TaskStatus.OPEN:
                raise TaskClosed(f"The task {task.id} is {task.status}.")
            return {
                "status": status,
                "note": note.strip(),
                "closed_by": principal,
                "closed_at": now,
            }

        before = self.find(task_id)
        done = self.store.change(task_id, change) or before
        if before.status is not done.status:
            self._audit.append(principal, f"calendar.{status}", task_id, {"note": note[:200]})
        return done

    def _notice(self, incident_id: str) -> None:
        with self._lock:
            if self._changed is not None:
                self._changed.add(incident_id)

    def _to_plan(self, now: datetime) -> list[str]:
        with self._lock:
            changed, self._changed = self._changed, set()
        if changed is not None:
            return sorted(changed)
        # The first look of this process: what happened before it stopped may not be planned yet.
        recent = self._incidents.find(drills=False, limit=1000)
        return [
            each.id
            for each in recent
            if each.active or (each.episode.resolved_at or now) > now - _LOOK_BACK
        ]

    def _plan_incident(self, incident_id: str, now: datetime) -> int:
        try:
            incident = self._incidents.get(incident_id)
            tasks = incident_tasks(incident, self._incidents.timeline(incident_id), self.settings)
            added = self.store.add(tasks, now)
        except Exception:
            self._notice(incident_id)  # It is planned at the next look.
            raise
        if tasks and report_written(incident):
            self._finish_report(report_task(incident), incident.id, now)
        return added

    def _finish_report(self, task_id: str, incident_id: str, now: datetime) -> None:
        note = f"Written at the resolution: trimtab incidents postmortem {incident_id} --report"

        def change(task: CalendarTask) -> dict[str, object] | None:
            if task.status is not TaskStatus.OPEN:
                return None
            closed = {"closed_by": "trimtab", "closed_at": now}
            return {"status": TaskStatus.DONE, "note": note, **closed}

        self.store.change(task_id, change)

    def _notice_time(self, task: CalendarTask) -> timedelta:
        """Return how long before its time a task is reminded of."""
        whole = (task.due_at - task.created_at) * _REMINDED_LAST_QUARTER
        return min(timedelta(hours=self.settings.reminder_hours), whole)

    def _remind(self, task: CalendarTask, now: datetime) -> None:
        text = f"Due {task.due_at:%Y-%m-%d %H:%M} UTC, {self._called(task.owner, now)}: "
        # The due time is part of the key, so that a task that was moved is reminded of again.
        key = f"calendar.{task.id}.due.{task.due_at.isoformat()}"
        message = Message("#incidents", Kind.NOTE, text + _named(task), key, task.subject)

        def change(fresh: CalendarTask) -> dict[str, object] | None:
            still = fresh.status is TaskStatus.OPEN and fresh.reminded_at is None
            return {"reminded_at": now} if still else None

        self.store.change(task.id, change, (message,), now)

    def _escalate(self, task: CalendarTask, now: datetime) -> list[str]:
        """Tell the next person of the list; the first at once, each other a day later."""
        roles, count = self.settings.escalate_to, task.escalations
        if count >= len(roles) or now < task.due_at + count * _DAY:
            return []
        text = (
            f"Overdue since {task.due_at:%Y-%m-%d %H:%M} UTC, for {self._called(roles[count], now)}"
            f" (owner: {task.owner}): {_named(task)}"
        )
        key = f"calendar.{task.id}.overdue.{task.due_at.isoformat()}.{count}"
        messages = [
            Message(channel, Kind.ESCALATION, text, key, task.subject)
            for channel in ("#incidents", "email")
        ]

        def change(fresh: CalendarTask) -> dict[str, object] | None:
            still = fresh.status is TaskStatus.OPEN and fresh.escalations == count
            return {"escalations": count + 1} if still else None

        self.store.change(task.id, change, messages, now)
        return [task.id]

    def _called(self, role: str, now: datetime) -> str:
        person = self._person_for(role, now)
        return f"{role} ({person})" if person else role


def _named(task: CalendarTask) -> str:
    about = f" ({task.subject})" if task.subject else ""
    return f"{task.title}{about}. `trimtab calendar done {task.id}` when it is done."
