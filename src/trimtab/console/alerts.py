"""Page of the alerts from outside and of the silences."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from trimtab.console.outcome import redirect_with_message
from trimtab.console.render import page
from trimtab.console.services import OPERATOR, READER, Caller, EnvDep, ReceivedDep, SilencesDep
from trimtab.incidents.intake import SilenceRequest
from trimtab.incidents.intake.matchers import matcher_text, parse_matcher
from trimtab.incidents.intake.model import SilenceState
from trimtab.infra.web.routes import GuardedRoute

router = APIRouter(prefix="/console/alerts", route_class=GuardedRoute)

_SHOWN = 200


@router.get("", dependencies=[READER])
def alerts(
    request: Request,
    env: EnvDep,
    received: ReceivedDep,
    silences: SilencesDep,
    message: Annotated[str, Query(max_length=300)] = "",
) -> HTMLResponse:
    """Show the alerts that are not over, and the silences that are not."""
    now = env.clock.now()
    listed = [
        {
            "silence": each,
            "state": each.state(now).value,
            "matchers": ", ".join(map(matcher_text, each.matchers)),
        }
        for each in silences.all()
        if each.state(now) is not SilenceState.EXPIRED
    ]
    values = {
        "alerts": received.store.listed(limit=_SHOWN),
        "shown": _SHOWN,
        "totals": received.store.totals(),
        "silences": listed,
        "message": message,
    }
    return page(request, "alerts.html", values)


@router.post("/silences", dependencies=[OPERATOR])
def silence(
    env: EnvDep,
    silences: SilencesDep,
    principal: Caller,
    matchers: Annotated[str, Form(min_length=1, max_length=4000)],
    hours: Annotated[float, Form(gt=0, le=8760)],
    comment: Annotated[str, Form(min_length=1, max_length=1000)],
    maintenance: Annotated[bool, Form()] = False,
) -> Response:
    """Silence the alerts that fulfil all matchers, one of which is on each line."""

    def add() -> str:
        now = env.clock.now()
        texts = [line.strip() for line in matchers.splitlines() if line.strip()]
        request = SilenceRequest(
            matchers=tuple(map(parse_matcher, texts)),
            starts_at=now,
            ends_at=now + timedelta(hours=hours),
            created_by=principal.name,
            comment=comment.strip(),
            maintenance=maintenance,
        )
        return f"Silenced until {silences.put(request, principal.name).ends_at:%Y-%m-%d %H:%M} UTC."

    return redirect_with_message("/console/alerts", add)


@router.post("/silences/{silence_id}/end", dependencies=[OPERATOR])
def end_silence(silence_id: str, silences: SilencesDep, principal: Caller) -> Response:
    """End a silence now."""

    def end() -> str:
        silences.expire(silence_id, principal.name)
        return "The silence has ended."

    return redirect_with_message("/console/alerts", end)
