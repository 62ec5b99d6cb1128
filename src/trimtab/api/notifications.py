"""Routes of the notification channels: tests, deliveries, dead letters."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR
from trimtab.api.services import Caller, EnvDep, NotificationsDep, OutageDep
from trimtab.infra.notify.deliveries import ChannelTest, DeliveryRecord
from trimtab.infra.notify.outage import OutageCall
from trimtab.infra.notify.service import Notifications
from trimtab.kernel.errors import ErrorKind

router = APIRouter(tags=["notifications"], route_class=ApiRoute)
_NONE = "No on-call channel is configured; docs/how-to/set-up-slack.md shows how."


class ChannelRequest(BaseModel):
    """The channel to test; empty tests each."""

    channel: Annotated[str, StringConstraints(max_length=40)] = ""


@dataclass(frozen=True, slots=True)
class ChannelTests:
    """Results of the self-tests."""

    results: tuple[ChannelTest, ...]
    message: str
    """Why there is no result; empty otherwise."""


@dataclass(frozen=True, slots=True)
class DeliveryList:
    """Deliveries, newest first, and the configured channels."""

    channels: tuple[str, ...]
    deliveries: tuple[DeliveryRecord, ...]
    tests: tuple[ChannelTest, ...]
    message: str
    """Says so when no channel is configured."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """Number of messages that are sent again."""

    messages: int


@router.get("/v1/notifications", dependencies=[OPERATOR])
def deliveries(
    notifications: NotificationsDep,
    state: Annotated[str, Query(pattern="^(delivered|retrying|dead)?$")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> DeliveryList:
    """List the channels and what was delivered to them, newest first."""
    return DeliveryList(
        notifications.channels,
        tuple(notifications.newest(state, limit)),
        tuple(notifications.outbox.deliveries.tests()),
        "" if notifications.channels else _NONE,
    )


@router.post(
    "/v1/notifications/test", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[OPERATOR]
)
def test(
    request: ChannelRequest, env: EnvDep, notifications: NotificationsDep, caller: Caller
) -> ChannelTests:
    """Send a test message through one channel or through each.

    PagerDuty and GitHub are tested without paging anybody and without opening an issue.
    """
    results = _test(notifications, request.channel)
    env.audit.append(caller.name, "notify.tested", request.channel or "all", {})
    return results


@router.post("/test-notification", dependencies=[OPERATOR])
def test_notification(notifications: NotificationsDep) -> ChannelTests:
    """Send a test message through each channel; the runbook's path."""
    return _test(notifications, "")


class PagerDutyEvent(BaseModel):
    """An event in the form of the platform document's PagerDuty call."""

    service_key: Annotated[str, StringConstraints(max_length=200)] = ""
    """Ignored: the key of `notify.pagerduty_routing_key` is used."""
    event_type: Literal["trigger", "resolve"]
    description: Annotated[str, StringConstraints(max_length=1024)] = ""


@router.post("/v1/notifications/outage", dependencies=[OPERATOR])
@router.post("/generic/2010-04-15/create_event.json", dependencies=[OPERATOR])
def page_outage(event: PagerDutyEvent, env: EnvDep, pages: OutageDep, caller: Caller) -> OutageCall:
    """Page people for an outage of the whole system, once; or say that it is over."""
    done = pages.resolve() if event.event_type == "resolve" else pages.trigger(event.description)
    env.audit.append(
        caller.name, f"notify.outage_{event.event_type}", "outage", {"sent": done.sent}
    )
    return done


@router.post("/v1/notifications/replay", dependencies=[OPERATOR])
def replay_all(notifications: NotificationsDep) -> Replayed:
    """Send all dead letters again."""
    return Replayed(notifications.replay())


@router.post(
    "/v1/notifications/{message}/replay",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.INVALID),
    dependencies=[OPERATOR],
)
def replay(message: int, notifications: NotificationsDep) -> Replayed:
    """Send one dead letter again."""
    return Replayed(notifications.replay(message))


def _test(notifications: Notifications, channel: str) -> ChannelTests:
    results = tuple(notifications.test(channel))
    return ChannelTests(results, "" if results else _NONE)
