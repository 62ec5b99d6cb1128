"""Pages of model monitoring: the monitored models, and the drift of each feature with plots."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from trimtab.console.charts import HEIGHT, WIDTH, Spark, spark
from trimtab.console.render import page
from trimtab.console.services import READER, ModelMonitorDep
from trimtab.infra.web.routes import GuardedRoute
from trimtab.models.monitoring.drift import FeatureDrift

router = APIRouter(prefix="/console/model-monitoring", route_class=GuardedRoute)

_MAX_FEATURES = 60
_GAP = 2.0


@dataclass(frozen=True, slots=True)
class BinBar:
    """One bin of a feature: its share in the reference and now, as two bars."""

    x: float
    width: float
    reference_height: float
    now_height: float


@dataclass(frozen=True, slots=True)
class FeaturePlot:
    """A feature with its distribution and the history of its PSI."""

    feature: FeatureDrift
    bars: tuple[BinBar, ...]
    history: Spark | None
    """PSI by window, the oldest first; None for fewer than two windows."""


def bin_bars(reference: Sequence[float], now: Sequence[float]) -> tuple[BinBar, ...]:
    """Return the bars of a distribution of 240 by 48 units, scaled to the highest one."""
    if not now or len(now) != len(reference):
        return ()
    highest = max(*reference, *now) or 1.0
    step = WIDTH / len(now)
    return tuple(
        BinBar(
            round(number * step, 1),
            round((step - _GAP) / 2, 1),
            round(HEIGHT * before / highest, 1),
            round(HEIGHT * after / highest, 1),
        )
        for number, (before, after) in enumerate(zip(reference, now, strict=True))
    )


@router.get("", dependencies=[READER])
def list_monitored(request: Request, monitor: ModelMonitorDep) -> HTMLResponse:
    """Show every monitored model with its newest judgement."""
    found = [monitor.status(model.name) for model in monitor.models()]
    return page(request, "model_monitoring.html", {"models": found})


@router.get("/{name}", dependencies=[READER])
def show_model(request: Request, name: str, monitor: ModelMonitorDep) -> HTMLResponse:
    """Show accuracy, latency, missing values and drift of a model, feature by feature."""
    status = monitor.status(name)
    plots = [_plot(monitor, name, each) for each in status.drift.features[:_MAX_FEATURES]]
    facts = {
        "status": status,
        "model": monitor.model(name),
        "plots": plots,
        "corrections": monitor.corrections(name),
    }
    return page(request, "monitored_model.html", facts)


def _plot(monitor: ModelMonitorDep, name: str, feature: FeatureDrift) -> FeaturePlot:
    windows = monitor.store.feature_windows(name, feature.feature, 48)
    history = [None if math.isnan(each.psi) else each.psi for each in reversed(windows)]
    return FeaturePlot(feature, bin_bars(feature.reference_shares, feature.shares), spark(history))
