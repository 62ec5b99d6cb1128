"""Signals of the calendar."""

from collections import Counter
from collections.abc import Iterable

from trimtab.calendar.records import CalendarTask, TaskKind
from trimtab.calendar.service import Calendar
from trimtab.kernel.operable import Sample, Signal


def signals(calendar: Calendar) -> tuple[Signal, ...]:
    """Return how many tasks are open and overdue, by kind."""
    known: dict[int, list[CalendarTask]] = {}

    def open_tasks() -> list[CalendarTask]:
        version = calendar.store.version
        if version not in known:
            known.clear()
            known[version] = calendar.store.list()
        return known[version]

    def by_kind(tasks: Iterable[CalendarTask]) -> list[Sample]:
        counts = Counter(task.kind for task in tasks)
        return [Sample(float(counts[kind]), {"kind": kind}) for kind in TaskKind]

    def overdue() -> list[Sample]:
        now = calendar.clock.now()
        return by_kind(task for task in open_tasks() if task.overdue(now))

    return (
        Signal(
            "calendar.open",
            "tasks",
            "Open tasks of the calendar, by kind.",
            lambda: by_kind(open_tasks()),
            ("kind",),
        ),
        Signal(
            "calendar.overdue",
            "tasks",
            "Open tasks of the calendar that are past their time, by kind.",
            overdue,
            ("kind",),
        ),
    )
