"""Alerts, rules and PromQL checks."""

import math
import threading
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from trimtab.api.body import Body
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import Here
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import Unavailable
from trimtab.monitoring.alerts import Alert
from trimtab.monitoring.checks import CheckResult, Hold, check, check_for, compile_check
from trimtab.monitoring.cost import CALLER_LIMITS
from trimtab.monitoring.labels import METRIC_NAME

router = APIRouter(prefix="/v1", tags=["rules"], route_class=GuardedRoute)

_MOST_WAITING = 8
_waiting = threading.BoundedSemaphore(_MOST_WAITING)


class TooManyChecks(Unavailable):
    """All places for checks over time are taken."""

    code = "api.too_many_checks"


class CheckRequest(Body):
    """A PromQL comparison to ask about."""

    expression: Annotated[str, StringConstraints(max_length=4000)]


class HoldRequest(CheckRequest):
    """A PromQL comparison that must hold for a while."""

    for_seconds: Annotated[float, Field(ge=0, le=86_400)]
    give_up_seconds: Annotated[float, Field(gt=0, le=86_400)] = 1800.0


@router.get("/alerts", dependencies=[READER])
def alerts(here: Here) -> dict[str, list[dict[str, Any]]]:
    """List the pending and firing alerts."""
    return {"alerts": [_alert(alert) for alert in here.rules.alerts()]}


@router.get("/rules", dependencies=[READER])
def rules(here: Here) -> dict[str, list[dict[str, Any]]]:
    """List every rule and how its last evaluation went."""
    return {"rules": [asdict(health) for health in here.rules.health()]}


@router.post("/check", dependencies=[READER])
def check_now(request: CheckRequest, here: Here) -> dict[str, object]:
    """Ask whether a PromQL comparison holds now."""
    expression = compile_check(request.expression)
    scrape = here.settings.monitor.scrape_interval_seconds
    return _result(check(expression, here.series, here.clock.now(), scrape, CALLER_LIMITS))


@router.post("/check/hold", dependencies=[OPERATOR])
def check_over_time(request: HoldRequest, here: Here) -> dict[str, object]:
    """Wait until a comparison has held for long enough, or the time is up."""
    expression = compile_check(request.expression)
    step = here.settings.monitor.scrape_interval_seconds
    hold = Hold(request.for_seconds, request.give_up_seconds, step)
    if not _waiting.acquire(blocking=False):
        raise TooManyChecks(f"{_MOST_WAITING} checks wait already.")
    try:
        held = check_for(
            expression, here.series, hold, here.clock, here.views.ending, CALLER_LIMITS
        )
    finally:
        _waiting.release()
    return {
        **_result(held.last),
        "holds": held.holds,
        "outcome": str(held.outcome),
        "held_seconds": round(held.held_seconds, 3),
        "waited_seconds": round(held.waited_seconds, 3),
    }


def _result(found: CheckResult) -> dict[str, object]:
    return {
        "expression": found.expression,
        "holds": found.holds,
        "at": found.at,
        "error": found.reason,
        "samples": [
            {
                "metric": dict(labels).get(METRIC_NAME, ""),
                "labels": {name: value for name, value in labels if name != METRIC_NAME},
                "value": value if math.isfinite(value) else None,
            }
            for labels, value in found.samples
        ],
    }


def _alert(alert: Alert) -> dict[str, Any]:
    value = alert.value if math.isfinite(alert.value) else None
    return {
        **asdict(alert),
        "value": value,
        "severity": alert.severity,
        "runbook": alert.runbook,
    }
