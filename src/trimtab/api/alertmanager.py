"""Alerts and silences in the format of Alertmanager's API, for Prometheus, amtool and Grafana."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

import trimtab
from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import ALERTS, OPERATOR, READER
from trimtab.api.services import (
    Caller,
    EnvDep,
    IntakeDep,
    MonitoringDep,
    ReceivedDep,
    SilencesDep,
)
from trimtab.incidents.errors import AlertsRefused
from trimtab.incidents.intake import (
    IntakeCounts,
    Matcher,
    Silence,
    SilenceRequest,
    StoredAlert,
)
from trimtab.incidents.intake.alertmanager import parse_json
from trimtab.incidents.intake.matchers import matches, parse_matcher
from trimtab.incidents.intake.model import RefusedAlert, SilenceState
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
    """Whether an alert is suppressed, and by what."""

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
class SilenceStatus:
    """State of a silence."""

    state: SilenceState


@dataclass(frozen=True, slots=True)
class MatcherBody:
    """A matcher as Alertmanager writes it."""

    name: str
    value: str
    isRegex: bool  # noqa: N815
    isEqual: bool  # noqa: N815


@dataclass(frozen=True, slots=True)
class SilenceBody:
    """A silence as Alertmanager shows it."""

    id: str
    status: SilenceStatus
    matchers: tuple[MatcherBody, ...]
    startsAt: datetime  # noqa: N815
    endsAt: datetime  # noqa: N815
    updatedAt: datetime  # noqa: N815
    createdBy: str  # noqa: N815
    comment: str
    maintenance: bool

    @classmethod
    def of(cls, silence: Silence, now: datetime) -> "SilenceBody":
        """Return a silence with its state."""
        matchers = tuple(
            MatcherBody(each.name, each.value, each.is_regex, each.is_equal)
            for each in silence.matchers
        )
        return cls(
            silence.id,
            SilenceStatus(silence.state(now)),
            matchers,
            silence.starts_at,
            silence.ends_at,
            silence.updated_at,
            silence.created_by,
            silence.comment,
            silence.maintenance,
        )


@dataclass(frozen=True, slots=True)
class SilenceCreated:
    """Id of a silence that was stored."""

    silenceID: str  # noqa: N815


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
    """trimtab is no cluster of Alertmanagers."""

    status: Literal["disabled"] = "disabled"
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigBody:
    """Configuration, as the routes that amtool understands."""

    original: str


@dataclass(frozen=True, slots=True)
class StatusBody:
    """Answer of ``/api/v2/status``."""

    cluster: ClusterStatus
    versionInfo: VersionInfo  # noqa: N815
    config: ConfigBody
    uptime: datetime


class PostedMatcher(BaseModel):
    """A matcher of a new silence."""

    name: Text
    value: Text
    isRegex: bool = False  # noqa: N815
    isEqual: bool = True  # noqa: N815


class PostableSilence(BaseModel):
    """A silence to create or, with an id, to change."""

    matchers: Annotated[list[PostedMatcher], Field(max_length=50)]
    startsAt: datetime  # noqa: N815
    endsAt: datetime  # noqa: N815
    createdBy: Text  # noqa: N815
    comment: Text
    id: Text | None = None
    maintenance: bool = False
    """An announced maintenance window."""


@router.post(
    "/api/v2/alerts", dependencies=[ALERTS], responses=_REFUSALS, openapi_extra=_body(_LIST)
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
def get_status(env: EnvDep, received: ReceivedDep) -> StatusBody:
    """Return version and grouping in the form that amtool expects."""
    labels = ", ".join(received.config.group_by)
    config = (
        f"route:\n  receiver: {_RECEIVER}\n  group_by: [{labels}]\n"
        f"receivers:\n- name: {_RECEIVER}\n"
    )
    version = VersionInfo(trimtab.__version__)
    return StatusBody(ClusterStatus(), version, ConfigBody(config), env.clock.now())


@router.get("/api/v2/silences", dependencies=[READER], responses=refuses(ErrorKind.INVALID))
def get_silences(
    env: EnvDep,
    silences: SilencesDep,
    filter: Filters = [],  # noqa: A002, B006
) -> tuple[SilenceBody, ...]:
    """List silences; with filters those that have a matcher for each of them."""
    now, wanted = env.clock.now(), tuple(map(parse_matcher, filter))

    def has(silence: Silence) -> bool:
        labels = {each.name: each.value for each in silence.matchers}
        return matches(wanted, labels)

    return tuple(SilenceBody.of(each, now) for each in silences.all() if has(each))


@router.post(
    "/api/v2/silences",
    dependencies=[OPERATOR],
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
)
def post_silence(new: PostableSilence, silences: SilencesDep, principal: Caller) -> SilenceCreated:
    """Create a silence, or change the one with the id; the audit chain names the caller's key."""
    request = SilenceRequest(
        matchers=tuple(Matcher(m.name, m.value, m.isRegex, m.isEqual) for m in new.matchers),
        starts_at=_aware(new.startsAt),
        ends_at=_aware(new.endsAt),
        created_by=new.createdBy,
        comment=new.comment,
        maintenance=new.maintenance,
        id=new.id or "",
    )
    return SilenceCreated(silences.put(request, principal.name).id)


@router.get(
    "/api/v2/silence/{silence_id}", dependencies=[READER], responses=refuses(ErrorKind.NOT_FOUND)
)
def get_silence(silence_id: str, env: EnvDep, silences: SilencesDep) -> SilenceBody:
    """Return a silence."""
    return SilenceBody.of(silences.get(silence_id), env.clock.now())


@router.delete(
    "/api/v2/silence/{silence_id}",
    dependencies=[OPERATOR],
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
)
def delete_silence(silence_id: str, silences: SilencesDep, principal: Caller) -> SilenceCreated:
    """End a silence now."""
    return SilenceCreated(silences.expire(silence_id, principal.name).id)


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


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
