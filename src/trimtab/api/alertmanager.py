"""Alerts and silences in the format of Alertmanager's API, for Prometheus, amtool and Grafana."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

import trimtab
from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import ALERTS, READER
from trimtab.api.services import (
    EnvDep,
    IntakeDep,
    MonitoringDep,
    ReceivedDep,
)
from trimtab.incidents.errors import AlertsRefused
from trimtab.incidents.intake import (
    IntakeCounts,
    Matcher,
    StoredAlert,
)
from trimtab.incidents.intake.alertmanager import parse_json
from trimtab.incidents.intake.matchers import matches, parse_matcher
from trimtab.incidents.intake.model import RefusedAlert
from trimtab.incidents.intake.suppression import INHIBITED
from trimtab.kernel.errors import ErrorKind
from trimtab.monitoring.alerts import Alert, AlertState

router = APIRouter(tags=["alerts"], route_class=ApiRoute)

_RECEIVER = "trimtab"
_ASSUMED = timedelta(minutes=5)
"""Alertmanager shows an end for every alert; this is its default."""
_LISTED = 10_000
_REFUSALS = refuses(ErrorKind.TOO_LARGE, ErrorKind.RATE_LIMITED, ErrorKind.STORAGE_FULL)
Text = Annotated[str, StringConstraints(max_length=1024)]


def _body(schema: Mapping[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


_LIST: Mapping[str, Any] = {"type": "array", "items": {"type": "object"}}
_OBJECT: Mapping[str, Any] = {"type": "object"}


@dataclass(frozen=True, slots=True)
class Receiver:
    """Whom an alert is sent to: always trimtab."""

    name: str = _RECEIVER


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """Suppression state of an alert, with its causes."""

    state: Literal["active", "suppressed", "unprocessed"]
    silencedBy: tuple[str, ...] = ()  # noqa: N815 - Alertmanager's own name, as below.
    inhibitedBy: tuple[str, ...] = ()  # noqa: N815


@dataclass(frozen=True, slots=True)
class GettableAlert:
    """An alert as Alertmanager shows it."""

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    startsAt: datetime  # noqa: N815
    endsAt: datetime  # noqa: N815
    updatedAt: datetime  # noqa: N815
    status: AlertStatus
    generatorURL: str = ""  # noqa: N815
    receivers: tuple[Receiver, ...] = (Receiver(),)

    @classmethod
    def received(cls, alert: StoredAlert, now: datetime) -> "GettableAlert":
        """Return a received alert; one without an end ends in five minutes."""
        by = alert.suppressed_by
        inhibited = tuple(x.removeprefix(INHIBITED) for x in by if x.startswith(INHIBITED))
        silenced = tuple(x.partition(":")[2] for x in by if not x.startswith(INHIBITED))
        return cls(
            alert.fingerprint,
            alert.labels,
            alert.annotations,
            alert.starts_at,
            alert.ends_at or now + _ASSUMED,
            alert.updated_at,
            AlertStatus("suppressed" if by else "active", silenced, inhibited),
            alert.generator_url,
        )

    @classmethod
    def own(cls, alert: Alert, silenced: tuple[str, ...], now: datetime) -> "GettableAlert":
        """Return a firing alert of trimtab's own rules."""
        state: Literal["active", "suppressed"] = "suppressed" if silenced else "active"
        ids = tuple(each.partition(":")[2] for each in silenced)
        labels = {"alertname": alert.name, **alert.labels}
        return cls(
            alert.fingerprint,
            labels,
            alert.annotations,
            alert.since,
            now + _ASSUMED,
            now,
            AlertStatus(state, ids),
        )


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Alerts with the same labels of the group."""

    labels: Mapping[str, str]
    alerts: tuple[GettableAlert, ...]
    receiver: Receiver = field(default_factory=Receiver)


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """Version, in the fields that amtool expects."""

    version: str
    branch: str = ""
    buildDate: str = ""  # noqa: N815
    buildUser: str = ""  # noqa: N815
    goVersion: str = ""  # noqa: N815
    revision: str = ""


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """State of the cluster: trimtab does not form one."""

    status: Literal["disabled"] = "disabled"
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigBody:
    """Configuration, as the routes that amtool understands."""

    original: str


@dataclass(frozen=True, slots=True)
class AlertmanagerStatus:
    """Answer of ``/api/v2/status``."""

    cluster: ClusterStatus
    versionInfo: VersionInfo  # noqa: N815
    config: ConfigBody
    uptime: datetime


@router.post(
    "/api/v2/alerts",
    response_class=Response,  # Without a body.
    dependencies=[ALERTS],
    responses=_REFUSALS,
    openapi_extra=_body(_LIST),
)
async def post_alerts(request: Request, intake: IntakeDep) -> Response:
    """Accept alerts as Prometheus and amtool post them; they are stored when this returns.

    With an alert that cannot be accepted the answer is 400; the others are stored all the same.
    """
    counts = await _received(request, intake.receive_posted)
    if counts.refused:
        raise AlertsRefused(_refused_text(counts.refused))
    return Response(status_code=HTTPStatus.OK)


@router.post(
    "/v1/alerts/webhooks/{name}",
    dependencies=[ALERTS],
    responses={**_REFUSALS, **refuses(ErrorKind.NOT_FOUND)},
    openapi_extra=_body(_OBJECT),
)
async def post_webhook(name: str, request: Request, intake: IntakeDep) -> IntakeCounts:
    """Accept the alerts of a webhook: ``alertmanager``, or the name of a configured mapping."""
    if name == "alertmanager":
        counts = await _received(request, intake.receive_webhook)
    else:
        counts = await _received(request, lambda body: intake.receive_mapped(name, body))
    accepted = counts.fired + counts.repeated + counts.resolved + counts.unknown_resolved
    if counts.refused and not accepted:
        raise AlertsRefused(_refused_text(counts.refused))
    return counts


Filters = Annotated[list[str], Query(max_length=50)]


@dataclass(frozen=True, slots=True)
class Shown:
    """Which alerts a caller asks for."""

    matchers: tuple[Matcher, ...]
    active: bool = True
    silenced: bool = True
    inhibited: bool = True

    def includes(self, alert: GettableAlert) -> bool:
        """Return whether the alert is asked for."""
        status = alert.status
        if status.state == "active" and not self.active:
            return False
        if status.silencedBy and not self.silenced:
            return False
        if status.inhibitedBy and not self.inhibited:
            return False
        return matches(self.matchers, alert.labels)


@router.get("/api/v2/alerts", dependencies=[READER], responses=refuses(ErrorKind.INVALID))
def get_alerts(
    env: EnvDep,
    received: ReceivedDep,
    monitoring: MonitoringDep,
    filter: Filters = [],  # noqa: A002, B006 - Alertmanager's name; FastAPI copies the default.
    active: bool = True,
    silenced: bool = True,
    inhibited: bool = True,
) -> tuple[GettableAlert, ...]:
    """List the alerts from outside that are not over, and the firing alerts of trimtab's rules."""
    shown = Shown(tuple(map(parse_matcher, filter)), active, silenced, inhibited)
    now = env.clock.now()
    muting = received.suppression.muting
    found = [
        *(GettableAlert.received(each, now) for each in received.store.listed(limit=_LISTED)),
        *(
            GettableAlert.own(each, muting(each.labels, now), now)
            for each in monitoring.engine.alerts(AlertState.FIRING)
        ),
    ]
    return tuple(alert for alert in found if shown.includes(alert))


@router.get("/api/v2/alerts/groups", dependencies=[READER], responses=refuses(ErrorKind.INVALID))
def get_groups(
    env: EnvDep,
    received: ReceivedDep,
    monitoring: MonitoringDep,
    filter: Filters = [],  # noqa: A002, B006
    active: bool = True,
    silenced: bool = True,
    inhibited: bool = True,
) -> tuple[AlertGroup, ...]:
    """List the same alerts by the labels of `incidents.alerts_file`."""
    alerts = get_alerts(env, received, monitoring, filter, active, silenced, inhibited)
    groups: dict[tuple[tuple[str, str], ...], list[GettableAlert]] = {}
    for alert in alerts:
        names = [name for name in received.config.group_by if name in alert.labels]
        groups.setdefault(tuple((name, alert.labels[name]) for name in names), []).append(alert)
    return tuple(AlertGroup(dict(key), tuple(found)) for key, found in groups.items())


@router.get("/api/v2/receivers", dependencies=[READER])
def get_receivers() -> tuple[Receiver, ...]:
    """List the only receiver."""
    return (Receiver(),)


@router.get("/api/v2/status", dependencies=[READER])
def get_status(env: EnvDep, received: ReceivedDep) -> AlertmanagerStatus:
    """Return version and grouping in the form that amtool expects."""
    labels = ", ".join(received.config.group_by)
    config = (
        f"route:\n  receiver: {_RECEIVER}\n  group_by: [{labels}]\n"
        f"receivers:\n- name: {_RECEIVER}\n"
    )
    version = VersionInfo(trimtab.__version__)
    return AlertmanagerStatus(ClusterStatus(), version, ConfigBody(config), env.clock.now())


async def _received(request: Request, receive: Callable[[Any], IntakeCounts]) -> IntakeCounts:
    body = await request.body()

    def work() -> IntakeCounts:
        return receive(parse_json(body))

    # Parsing thousands of alerts and storing them would hold up the event loop.
    return await run_in_threadpool(work)


def _refused_text(refused: tuple[RefusedAlert, ...]) -> str:
    first = refused[0]
    more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
    return f"Alert {first.position} was not accepted{more}: {first.reason}."
