"""Alerts, rules and PromQL checks."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from trimtab.api.http.routes import ApiRoute
from trimtab.api.http.schemas import extended
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import EnvDep, MonitoringDep, WebDep
from trimtab.kernel.errors import Unavailable
from trimtab.monitoring.alerts import Alert, AlertState
from trimtab.monitoring.checks import CheckResult, Hold, check, check_for, compile_check
from trimtab.monitoring.cost import CALLER_LIMITS
from trimtab.monitoring.engine import RuleHealth
from trimtab.monitoring.labels import METRIC_NAME
from trimtab.monitoring.promql.values import Element

router = APIRouter(prefix="/v1", tags=["rules"], route_class=ApiRoute)

_MAX_WAITING = 8
_waiting = threading.BoundedSemaphore(_MAX_WAITING)


class TooManyChecks(Unavailable):
    """Too many checks over time are running."""

    code = "api.too_many_checks"


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """An alert that is pending or fires."""

    fingerprint: str
    name: str
    state: AlertState
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    value: float | None
    """Of the rule's expression when it was last there; null when it is not finite."""
    since: datetime
    severity: str
    runbook: str | None
    """The id of the runbook that the alert names."""

    @classmethod
    def of(cls, alert: Alert) -> "ActiveAlert":
        """Return an alert with its severity and its runbook."""
        return extended(cls, alert, severity=alert.severity, runbook=alert.runbook)


@dataclass(frozen=True, slots=True)
class AlertList:
    """The pending and the firing alerts."""

    alerts: tuple[ActiveAlert, ...]


@dataclass(frozen=True, slots=True)
class RuleList:
    """Every rule and how its last evaluation went."""

    rules: tuple[RuleHealth, ...]


@dataclass(frozen=True, slots=True)
class CheckSample:
    """A series for which the comparison holds."""

    metric: str
    labels: Mapping[str, str]
    value: float | None
    """Null when it is not finite."""

    @classmethod
    def of(cls, element: Element) -> "CheckSample":
        """Return a series and its value, with the metric's name apart from the labels."""
        labels, value = element
        names = dict(labels)
        metric = names.pop(METRIC_NAME, "")
        return cls(metric, names, value)


@dataclass(frozen=True, slots=True)
class CheckBody:
    """Result of a comparison."""

    expression: str
    holds: bool | None
    """None: the samples cannot tell."""
    at: datetime
    error: str
    """Why the samples cannot tell; else empty."""
    samples: tuple[CheckSample, ...]

    @classmethod
    def of(cls, found: CheckResult) -> "CheckBody":
        """Return the result of a check."""
        samples = tuple(CheckSample.of(element) for element in found.samples)
        return cls(found.expression, found.holds, found.at, found.reason, samples)


@dataclass(frozen=True, slots=True)
class HeldBody(CheckBody):
    """Result of a comparison over time; the samples are of the last check."""

    outcome: Literal["held", "gave_up", "stopped"]
    held_seconds: float
    waited_seconds: float


class CheckRequest(BaseModel):
    """A PromQL comparison to check."""

    expression: Annotated[str, StringConstraints(max_length=4000)]


class HoldRequest(CheckRequest):
    """A PromQL comparison that must hold for a duration."""

    for_seconds: Annotated[float, Field(ge=0, le=86_400)]
    give_up_seconds: Annotated[float, Field(gt=0, le=86_400)] = 1800.0


@router.get("/alerts", dependencies=[READER])
def alerts(monitoring: MonitoringDep) -> AlertList:
    """List the pending and firing alerts."""
    return AlertList(tuple(ActiveAlert.of(alert) for alert in monitoring.engine.alerts()))


@router.get("/rules", dependencies=[READER])
def rules(monitoring: MonitoringDep) -> RuleList:
    """List every rule with the result of its last evaluation."""
    return RuleList(tuple(monitoring.engine.health()))


@router.post("/check", dependencies=[READER])
def check_now(request: CheckRequest, env: EnvDep, monitoring: MonitoringDep) -> CheckBody:
    """Check whether a PromQL comparison holds now."""
    expression = compile_check(request.expression)
    scrape = env.settings.monitor.scrape_interval_seconds
    now = env.clock.now()
    return CheckBody.of(check(expression, monitoring.user_series, now, scrape, CALLER_LIMITS))


@router.post("/check/hold", dependencies=[OPERATOR])
def check_over_time(
    request: HoldRequest, env: EnvDep, web: WebDep, monitoring: MonitoringDep
) -> HeldBody:
    """Wait until a comparison has held long enough or the timeout."""
    expression = compile_check(request.expression)
    step = env.settings.monitor.scrape_interval_seconds
    hold = Hold(request.for_seconds, request.give_up_seconds, step)
    if not _waiting.acquire(blocking=False):
        raise TooManyChecks(f"{_MAX_WAITING} checks run already.")
    try:
        held = check_for(
            expression, monitoring.user_series, hold, env.clock, web.views.ending, CALLER_LIMITS
        )
    finally:
        _waiting.release()
    return extended(
        HeldBody,
        replace(CheckBody.of(held.last), holds=held.holds),
        outcome=str(held.outcome),
        held_seconds=round(held.held_seconds, 3),
        waited_seconds=round(held.waited_seconds, 3),
    )
