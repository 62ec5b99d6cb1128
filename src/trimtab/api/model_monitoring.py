"""Routes of model monitoring: references, observations, labels, judgements, pipeline runs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, StringConstraints
from starlette.concurrency import run_in_threadpool

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import Caller, EnvDep, ModelMonitorDep
from trimtab.infra.web.json_body import InvalidRequest
from trimtab.kernel.errors import ErrorKind
from trimtab.models.monitoring.corrections import InputCorrection
from trimtab.models.monitoring.drift import DriftVerdict, FeatureDrift
from trimtab.models.monitoring.errors import BadReference
from trimtab.models.monitoring.profile import ReferenceProfile
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.monitoring.status import DRILL_PREFIX, BatchResult, MonitoredStatus

router = APIRouter(prefix="/v1", tags=["models"], route_class=ApiRoute)

_LINES = {
    "requestBody": {
        "required": True,
        "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
    }
}


@dataclass(frozen=True, slots=True)
class FeatureBody:
    """Drift and data quality of one feature in the recent windows."""

    feature: str
    verdict: DriftVerdict
    psi: float | None
    """Null when there is not enough data."""
    noise_floor: float | None
    rows: int
    null_rate: float | None
    unseen_rate: float | None
    unit_factor: float | None
    """The values look like the reference's times this; null when they do not."""
    shares: tuple[float, ...]
    """Share of each bin now."""
    reference_shares: tuple[float, ...]

    @classmethod
    def of(cls, each: FeatureDrift) -> "FeatureBody":
        """Return the body of a feature."""
        return cls(
            each.feature,
            each.verdict,
            _known(each.psi),
            _known(each.noise_floor),
            each.rows,
            _known(each.null_rate),
            _known(each.unseen_rate),
            each.unit_factor,
            each.shares,
            each.reference_shares,
        )


@dataclass(frozen=True, slots=True)
class MonitoringBody:
    """Judgement about the recent windows of a model; null where nothing can be said."""

    model: str
    at: str
    since: str
    requests: int
    error_rate: float | None
    latency_p50_seconds: float | None
    latency_p99_seconds: float | None
    labelled: int
    f1: float | None
    precision: float | None
    recall: float | None
    accuracy: float | None
    estimated_f1: float | None
    """Expected without labels, by confidence-based performance estimation."""
    estimated_f1_error: float | None
    """Half the width of its 95 % interval."""
    drift_score: float | None
    verdict: DriftVerdict
    features: tuple[FeatureBody, ...]
    """Largest PSI first."""
    scores: FeatureBody | None
    """Drift of the model's own scores."""
    corrections: tuple[InputCorrection, ...]

    @classmethod
    def of(cls, monitor: ModelMonitor, status: MonitoredStatus) -> "MonitoringBody":
        """Return the body of a judgement."""
        measured, expected, drift = status.performance, status.estimate, status.drift
        return cls(
            status.model,
            status.at.isoformat(),
            status.since.isoformat(),
            status.requests,
            _known(status.error_rate),
            _known(status.latency_p50_seconds),
            _known(status.latency_p99_seconds),
            measured.rows,
            _known(measured.f1),
            _known(measured.precision),
            _known(measured.recall),
            _known(measured.accuracy),
            _known(expected.f1),
            _known(expected.f1_error),
            _known(drift.score),
            drift.verdict,
            tuple(FeatureBody.of(each) for each in drift.features),
            FeatureBody.of(drift.scores) if drift.scores else None,
            tuple(monitor.corrections(status.model)),
        )


@dataclass(frozen=True, slots=True)
class MonitoredModels:
    """Every monitored model."""

    models: tuple[MonitoringBody, ...]


@dataclass(frozen=True, slots=True)
class ReferenceBody:
    """The reference of a monitored model."""

    model: str
    reference_id: str
    source: str
    features: tuple[str, ...]
    reference: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WindowBody:
    """One window of a model: a row of ``model_metrics``."""

    window_start: str
    window_end: str
    requests: float
    error_rate: float | None
    latency_p99_seconds: float | None
    labelled: float
    f1: float | None
    estimated_f1: float | None
    drift_score: float | None
    drift_verdict: str


@dataclass(frozen=True, slots=True)
class WindowList:
    """Windows of a model, the newest first."""

    model: str
    windows: tuple[WindowBody, ...]


Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class PipelineRun(BaseModel):
    """A run of a data pipeline that may explain a later change of a model's inputs."""

    pipeline: Short
    """Its name, such as ``features-daily``."""
    status: Annotated[str, StringConstraints(pattern="^(succeeded|failed|started)$")] = "succeeded"
    model: Annotated[str, StringConstraints(max_length=100)] = ""
    """The model that it feeds, if it is one."""
    detail: Annotated[str, StringConstraints(max_length=500)] = ""
    """What it did, such as the version of the vendor's API."""


@dataclass(frozen=True, slots=True)
class PipelineRunNoted:
    """The event under which a run is kept."""

    seq: int
    """Of the audit chain."""


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


@router.get("/model-monitoring", dependencies=[READER])
def list_monitored(monitor: ModelMonitorDep) -> MonitoredModels:
    """List the monitored models with their newest judgements."""
    models = [monitor.status(model.name) for model in monitor.models()]
    return MonitoredModels(tuple(MonitoringBody.of(monitor, status) for status in models))


@router.get("/models/{name}/monitoring", dependencies=[READER], responses={
    **refuses(ErrorKind.NOT_FOUND),
})  # fmt: skip
def get_monitoring(name: str, monitor: ModelMonitorDep) -> MonitoringBody:
    """Show accuracy, errors, latency, missing values and drift of a model now."""
    return MonitoringBody.of(monitor, monitor.status(name))


@router.get("/models/{name}/windows", dependencies=[READER], responses={
    **refuses(ErrorKind.NOT_FOUND),
})  # fmt: skip
def list_windows(
    name: str,
    monitor: ModelMonitorDep,
    limit: Annotated[int, Query(ge=1, le=2000)] = 96,
) -> WindowList:
    """List the computed windows of a model, the newest first."""
    monitor.model(name)
    return WindowList(
        name,
        tuple(
            WindowBody(
                each.window_start,
                each.window_end,
                each.requests,
                _known(each.error_rate),
                _known(each.latency_p99_seconds),
                each.labelled,
                _known(each.f1),
                _known(each.estimated_f1),
                _known(each.drift_score),
                each.drift_verdict,
            )
            for each in monitor.store.metric_windows(name, limit)
        ),
    )


@router.get("/models/{name}/reference", dependencies=[READER], responses={
    **refuses(ErrorKind.NOT_FOUND),
})  # fmt: skip
def get_reference(name: str, monitor: ModelMonitorDep) -> ReferenceBody:
    """Show the reference profile of a model: bins, shares and noise of each feature."""
    model = monitor.model(name)
    return ReferenceBody(
        name,
        model.reference_id,
        model.source,
        tuple(each.feature for each in model.reference.features),
        model.reference.to_json(),
    )


@router.put("/models/{name}/reference", dependencies=[OPERATOR], openapi_extra={
    "requestBody": {
        "required": True, "content": {"application/json": {"schema": {"type": "object"}}}
    },
})  # fmt: skip
async def put_reference(
    name: str, request: Request, monitor: ModelMonitorDep, caller: Caller, env: EnvDep
) -> ReferenceBody:
    """Monitor a model against a reference profile; `trimtab models reference` makes one.

    Windows of a former reference are not mixed with those of the new one.
    """
    body = await request.json()
    if not isinstance(body, dict):
        raise InvalidRequest("The body is not a reference profile, a JSON object.")
    profile = ReferenceProfile.from_json(body)
    if name.startswith(DRILL_PREFIX):
        raise BadReference(f"Names that begin with {DRILL_PREFIX!r} are kept for drills.")

    def put() -> ReferenceBody:
        monitor.set_reference(name, profile, "sent rows", caller.name)
        env.audit.append(caller.name, "models.reference_set", name)
        return get_reference(name, monitor)

    return await run_in_threadpool(put)


@router.delete("/models/{name}/reference", dependencies=[OPERATOR], status_code=204, responses={
    **refuses(ErrorKind.NOT_FOUND),
})  # fmt: skip
def delete_reference(name: str, monitor: ModelMonitorDep, caller: Caller, env: EnvDep) -> None:
    """Stop monitoring a model and delete its observations and windows."""
    monitor.model(name)
    monitor.forget(name)
    env.audit.append(caller.name, "models.reference_deleted", name)


@router.post("/models/{name}/observations", dependencies=[OPERATOR], responses={
    **refuses(ErrorKind.NOT_FOUND, ErrorKind.TOO_LARGE, ErrorKind.STORAGE_FULL),
}, openapi_extra=_LINES)  # fmt: skip
async def add_observations(
    name: str, request: Request, monitor: ModelMonitorDep, caller: Caller
) -> BatchResult:
    """Store predictions that a model has made elsewhere: JSON lines, at most 10,000.

    A line has ``id``, and as they apply ``at``, ``features``, ``prediction``, ``score``,
    ``latency_ms``, ``error`` and ``version``. An id that is known counts once. When one line is
    not usable nothing is stored, and the error names the lines.
    """
    body = await request.body()
    return await run_in_threadpool(monitor.add_observations, name, body, caller.name)


@router.post("/models/{name}/labels", dependencies=[OPERATOR], responses={
    **refuses(
        ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.TOO_LARGE, ErrorKind.STORAGE_FULL
    ),
}, openapi_extra=_LINES)  # fmt: skip
async def add_labels(name: str, request: Request, monitor: ModelMonitorDep) -> BatchResult:
    """Store the true labels of predictions: JSON lines with ``id`` and ``label``, at most 10,000.

    A label twice counts once. Another label for the same prediction needs ``"correct": true``.
    When one line is not usable nothing is stored.
    """
    body = await request.body()
    return await run_in_threadpool(monitor.add_labels, name, body)


@router.post("/pipeline-runs", dependencies=[OPERATOR])
def note_pipeline_run(run: PipelineRun, caller: Caller, env: EnvDep) -> PipelineRunNoted:
    """Note a run of a data pipeline as a change; a diagnosis lists it with other changes."""
    facts = {"status": run.status, "model": run.model, "detail": run.detail}
    event = env.audit.append(caller.name, f"pipeline.{run.status}", run.pipeline, facts)
    return PipelineRunNoted(event.seq)
