"""Alerts in the JSON of Prometheus' own API, for tools that know it: dashboards, scripts, `jq` filters."""

from typing import Any

from fastapi import APIRouter

from trimtab.api.roles import READER
from trimtab.api.services import Here
from trimtab.infra.web.routes import GuardedRoute
from trimtab.monitoring.alerts import Alert
from trimtab.monitoring.templates import exponent_text

router = APIRouter(prefix="/api/v1", tags=["rules"], route_class=GuardedRoute)


@router.get("/alerts", dependencies=[READER])
def prometheus_alerts(here: Here) -> dict[str, Any]:
    """List the pending and firing alerts as Prometheus does."""
    return {"status": "success", "data": {"alerts": [_alert(a) for a in here.rules.alerts()]}}


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state.value,
        "activeAt": alert.since,
        "value": exponent_text(alert.value),
    }
