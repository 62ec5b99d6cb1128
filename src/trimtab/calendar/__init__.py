"""Dated tasks for people: what follows an incident, and the quarterly reviews."""

from trimtab.calendar.records import CalendarTask, NewTask, TaskKind, TaskStatus
from trimtab.calendar.service import Calendar

__all__ = ["Calendar", "CalendarTask", "NewTask", "TaskKind", "TaskStatus"]
