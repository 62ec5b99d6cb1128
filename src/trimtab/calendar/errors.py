"""Errors of the calendar."""

from trimtab.kernel.errors import Conflict, InvalidInput, NotFound


class TaskUnknown(NotFound):
    """The calendar has no task of that id."""

    code = "calendar.task_unknown"
    default_hint = "`trimtab calendar list --status all` lists them."


class TaskClosed(Conflict):
    """The task is done or dropped already."""

    code = "calendar.task_closed"
    default_hint = "Add a new task with `trimtab calendar add`."


class BadTask(InvalidInput):
    """A task needs a title, an owner, a time in the future, and a note when it is dropped."""

    code = "calendar.bad_task"
