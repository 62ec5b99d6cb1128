"""Page of the notification channels, their tests, deliveries and dead letters."""

from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from trimtab.console.render import page
from trimtab.console.services import OPERATOR, Caller, EnvDep, NotificationsDep
from trimtab.infra.notify.deliveries import ChannelTest, DeliveryState
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import TrimtabError

router = APIRouter(prefix="/console/notifications", route_class=GuardedRoute)


@router.get("", dependencies=[OPERATOR])
def notifications(
    request: Request,
    notifications: NotificationsDep,
    state: Literal["", "delivered", "retrying", "dead"] = "",
    message: Annotated[str, Query(max_length=300)] = "",
) -> HTMLResponse:
    """Show the channels with their last tests, and the newest deliveries."""
    log = notifications.outbox.deliveries
    tests = {each.channel: each for each in log.tests()}
    counts = log.counts()
    values = {
        "channels": [
            {
                "name": name,
                "test": tests.get(name),
                "failing": notifications.health.failing(name),
                "dead": counts.get((name, DeliveryState.DEAD), 0),
            }
            for name in notifications.channels
        ],
        "deliveries": notifications.newest(state, 100),
        "waiting": notifications.outbox.undelivered(),
        "state": state,
        "message": message,
    }
    return page(request, "notifications.html", values)


@router.post("/test", dependencies=[OPERATOR])
def send_test(
    env: EnvDep,
    notifications: NotificationsDep,
    principal: Caller,
    channel: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Send a test message through one channel, or through each."""
    try:
        results = notifications.test(channel)
    except TrimtabError as error:
        return _back(f"{error.message} {error.hint()}")
    env.audit.append(principal.name, "notify.tested", channel or "all", {})
    return _back(" ".join(map(_outcome, results)) or "No channel is configured.")


@router.post("/replay", dependencies=[OPERATOR])
def replay(
    env: EnvDep,
    notifications: NotificationsDep,
    principal: Caller,
    number: Annotated[int, Form()] = 0,
) -> Response:
    """Send one dead letter again, or all of them."""
    try:
        count = notifications.replay(number or None)
    except TrimtabError as error:
        return _back(f"{error.message} {error.hint()}")
    env.audit.append(principal.name, "notify.replayed", str(number or "all"), {"messages": count})
    return _back(f"{count} messages are sent again.")


def _outcome(result: ChannelTest) -> str:
    return f"{result.channel}: {result.error or 'delivered'}."


def _back(message: str) -> Response:
    query = urlencode({"message": message[:300]})
    return RedirectResponse(f"/console/notifications?{query}", HTTPStatus.SEE_OTHER)
