"""Routes of the calendar: dated tasks with owners."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import CalendarDep, Caller, EnvDep
from trimtab.calendar import CalendarTask, TaskStatus
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1/calendar", tags=["calendar"], route_class=ApiRoute)

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
_CHANGES = refuses(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL)


@dataclass(frozen=True, slots=True)
class CalendarBody:
    """Tasks, the earliest due first."""

    at: datetime
    tasks: tuple[CalendarTask, ...]
    overdue: int
    """How many of them are open past their time."""


class NewTaskRequest(BaseModel):
    """A task of a person's own."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    owner: Name
    due_at: datetime
    link: Annotated[str, StringConstraints(max_length=500)] = ""


class TaskNote(BaseModel):
    """Note on the end of a task: its result, or why it was dropped."""

    note: Note = ""


class TaskMove(BaseModel):
    """Another owner or another time."""

    owner: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    due_at: datetime | None = None


@router.get("", dependencies=[READER])
def tasks(
    env: EnvDep,
    calendar: CalendarDep,
    status: Literal["open", "done", "dropped", "all"] = "open",
    owner: Annotated[str, Query(max_length=200)] = "",
    subject: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> CalendarBody:
    """List the tasks, the earliest due first."""
    chosen = None if status == "all" else TaskStatus(status)
    found = calendar.store.list(chosen, owner, subject, limit)
    now = env.clock.now()
    return CalendarBody(now, tuple(found), sum(each.overdue(now) for each in found))


@router.post(
    "",
    status_code=201,
    responses=refuses(ErrorKind.STORAGE_FULL),
    dependencies=[OPERATOR],
)
def add(new: NewTaskRequest, calendar: CalendarDep, caller: Caller) -> CalendarTask:
    """Add a task."""
    return calendar.add(new.title, new.owner, _utc(new.due_at), caller.name, new.link)


@router.get("/{task_id}", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[READER])
def task(task_id: str, calendar: CalendarDep) -> CalendarTask:
    """Return one task."""
    return calendar.find(task_id)


@router.post("/{task_id}/done", responses=_CHANGES, dependencies=[OPERATOR])
def done(task_id: str, body: TaskNote, calendar: CalendarDep, caller: Caller) -> CalendarTask:
    """Mark a task as done; repeating it changes nothing."""
    return calendar.finish(task_id, caller.name, body.note)


@router.post("/{task_id}/drop", responses=_CHANGES, dependencies=[OPERATOR])
def drop(task_id: str, body: TaskNote, calendar: CalendarDep, caller: Caller) -> CalendarTask:
    """Decide that a task is not done; the note says why."""
    return calendar.drop(task_id, caller.name, body.note)


@router.post("/{task_id}/move", responses=_CHANGES, dependencies=[OPERATOR])
def move(task_id: str, body: TaskMove, calendar: CalendarDep, caller: Caller) -> CalendarTask:
    """Give a task another owner or another time."""
    due_at = None if body.due_at is None else _utc(body.due_at)
    return calendar.move(task_id, caller.name, owner=body.owner, due_at=due_at)


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
