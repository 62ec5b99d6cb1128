"""Alerts in the format of the Prometheus API, for its tools."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fastapi import APIRouter

from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import READER
from trimtab.api.services import MonitoringDep
from trimtab.monitoring.alerts import Alert, AlertState
from trimtab.monitoring.templates import exponent_text

router = APIRouter(prefix="/api/v1", tags=["rules"], route_class=ApiRoute)


@dataclass(frozen=True, slots=True)
class PrometheusAlert:
    """An alert as Prometheus' API writes it."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: AlertState
    activeAt: datetime  # noqa: N815 - Prometheus' own name.
    value: str
    """With an exponent, such as ``1e+00``; or ``NaN``, ``+Inf``, ``-Inf``."""

    @classmethod
    def of(cls, alert: Alert) -> "PrometheusAlert":
        """Return an alert in the form of Prometheus."""
        return cls(
            alert.labels, alert.annotations, alert.state, alert.since, exponent_text(alert.value)
        )


@dataclass(frozen=True, slots=True)
class PrometheusAlerts:
    """The pending and the firing alerts."""

    alerts: tuple[PrometheusAlert, ...]


@dataclass(frozen=True, slots=True)
class PrometheusBody:
    """An answer of Prometheus' API."""

    status: Literal["success"]
    data: PrometheusAlerts


@router.get("/alerts", dependencies=[READER])
def prometheus_alerts(monitoring: MonitoringDep) -> PrometheusBody:
    """List the pending and firing alerts as Prometheus does."""
    alerts = tuple(PrometheusAlert.of(alert) for alert in monitoring.engine.alerts())
    return PrometheusBody("success", PrometheusAlerts(alerts))
