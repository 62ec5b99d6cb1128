"""Page of the dated tasks that follow incidents, and of the quarterly reviews."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from trimtab.calendar import CalendarTask, TaskStatus
from trimtab.console.outcome import redirect_with_message
from trimtab.console.render import page
from trimtab.console.services import OPERATOR, READER, CalendarDep, Caller, EnvDep
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(prefix="/console/calendar", route_class=GuardedRoute)


@router.get("", dependencies=[READER])
def calendar(
    request: Request,
    env: EnvDep,
    calendar: CalendarDep,
    status: Literal["open", "done", "dropped"] = "open",
    message: Annotated[str, Query(max_length=300)] = "",
) -> HTMLResponse:
    """Show the tasks, the earliest due first."""
    values = {
        "tasks": calendar.store.list(TaskStatus(status), limit=500),
        "now": env.clock.now(),
        "status": status,
        "message": message,
    }
    return page(request, "calendar.html", values)


@router.post("/{task_id}/done", dependencies=[OPERATOR])
def done(
    task_id: str,
    calendar: CalendarDep,
    principal: Caller,
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Mark a task as done."""
    return _closed("Done", lambda: calendar.finish(task_id, principal.name, note))


@router.post("/{task_id}/drop", dependencies=[OPERATOR])
def drop(
    task_id: str,
    calendar: CalendarDep,
    principal: Caller,
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Decide that a task is not done; the note says why."""
    return _closed("Dropped", lambda: calendar.drop(task_id, principal.name, note))


def _closed(word: str, close: Callable[[], CalendarTask]) -> Response:
    """Close a task, and return to the page with the result or the refusal."""
    return redirect_with_message("/console/calendar", lambda: f"{word}: {close().title[:200]}")
