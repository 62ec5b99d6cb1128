"""Routes of predictions: rows as JSON, the Open Inference Protocol, health, and many models."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from trimtab.api.data_subject import MAX_USER_ID, Person, validate_user_id
from trimtab.api.errors import ErrorFacts, error_body
from trimtab.api.http.direct import DirectRoute
from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute, answers
from trimtab.api.roles import READER
from trimtab.api.services import ModelsDep
from trimtab.infra.web.json_body import InvalidRequest, problem_of, refuse_nul
from trimtab.infra.web.request_id import request_id_of
from trimtab.kernel.errors import ErrorKind, TrimtabError
from trimtab.models.open_inference import (
    InferRequest,
    InferResponse,
    ModelMetadata,
    infer_response,
    model_metadata,
)
from trimtab.models.service import Models
from trimtab.models.serving.health import ModelHealth
from trimtab.models.serving.records import Prediction

router = APIRouter(tags=["models"], route_class=ApiRoute)

_FAILS = refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL, ErrorKind.UNAVAILABLE)
_MAX_MODELS = 20
_ON_LOOP_BYTES = 64 * 1024
_ALIASES = ("", "production", "candidate", "previous")


@dataclass(frozen=True, slots=True)
class OutputRow:
    """Output of a model for one row."""

    value: float | None
    """Score of the positive class, probability of the label, or the predicted number; null when a
    foundation model named the class only."""
    confidence: float | None
    label: str = ""
    probabilities: Mapping[str, float] | None = None
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PredictionBody:
    """The outputs of a request and what gave them."""

    model: str
    version: int
    """0 when no version answered, but the rule baseline."""
    served_by: str
    outcome: str
    request_id: str
    outputs: tuple[OutputRow, ...]


_ROWS_SCHEMA = {"parameters": [
    {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}},
    {"name": "X-User-Id", "in": "header", "schema": {"type": "string", "maxLength": MAX_USER_ID}},
], "requestBody": {"content": {"application/json": {"schema": {
    "type": "object",
    "required": ["rows"],
    "properties": {
        "rows": {"type": "array", "items": {"type": "object"}, "minItems": 1},
        "version": {"type": "string", "enum": list(_ALIASES[1:])},
        "user_id": {"type": "string", "maxLength": 200},
    },
}}}}}  # fmt: skip


class JsonBytes(Response):
    """An answer of 200 whose body is JSON already; making it skips the general case."""

    def __init__(self, body: bytes) -> None:
        self.status_code, self.body, self.background = 200, body, None
        self.raw_headers = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
        ]


async def predict(request: Request) -> Response:
    """Predict rows: ``{"rows": [{"column": value, ...}, ...]}``.

    ``version`` asks an alias instead of production. With ``user_id`` or the header ``X-User-Id``
    the stored result belongs to that user: an erasure of the user deletes it.
    """
    rows, ref, user_id = _predict_request(await _body_of(request))
    models: Models = request.app.state.services.by_type[Models]
    found = await models.serving.predict(
        request.path_params["name"],
        rows,
        request_id_of(request.scope),
        user_id=user_id or _user_id(request.headers.get("x-user-id", "").strip()),
        ref=ref,
    )
    return JsonBytes(prediction_json(found))


router.add_api_route(
    "/v1/models/{name}/predict",
    predict,
    methods=["POST"],
    responses={**answers(200, PredictionBody), **_FAILS},
    openapi_extra=_ROWS_SCHEMA,
    dependencies=[READER],
    route_class_override=DirectRoute,
)


async def _body_of(request: Request) -> Any:
    """Return the JSON of a body; its number of rows is checked later, by the model's limit."""
    body = await _read(request)
    try:
        if len(body) > _ON_LOOP_BYTES:
            value = await run_in_threadpool(orjson.loads, body)
        else:
            value = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            problem = problem_of(body)
        except RecursionError:
            problem = "The JSON is nested too deep."
        raise InvalidRequest(problem) from None
    refuse_nul(body, value)
    return value


async def _read(request: Request) -> bytes:
    """Return the body; `Request.body` would take more processor time than parsing it."""
    parts = []
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _predict_request(body: Any) -> tuple[list[Any], str, str]:
    """Return rows, alias and user id of a request; raises `InvalidRequest`."""
    if not isinstance(body, dict) or not isinstance(body.get("rows"), list):
        raise InvalidRequest(
            "The body has no list `rows`.", hint='Send {"rows": [{"column": value, ...}]}.'
        )
    ref, user_id = body.get("version", ""), body.get("user_id", "")
    if ref not in _ALIASES:
        raise InvalidRequest(f"`version` is none of: {', '.join(_ALIASES[1:])}.")
    if not isinstance(user_id, str):
        raise InvalidRequest("`user_id` is not a text.")
    return body["rows"], ref, _user_id(user_id)


def _user_id(given: str) -> str:
    if not given:
        return ""
    if len(given) > MAX_USER_ID:
        raise InvalidRequest(f"The user id is longer than {MAX_USER_ID} characters.")
    try:
        return validate_user_id(given)
    except ValueError as problem:
        raise InvalidRequest(str(problem)) from None


def prediction_json(found: Prediction) -> bytes:
    """Return the body of an answer; the outputs are JSON already."""
    head = orjson.dumps(
        {
            "model": found.model,
            "version": found.version,
            "served_by": found.served_by,
            "outcome": found.outcome,
            "request_id": found.request_id,
        }
    )
    return b'%b,"outputs":%b}' % (head[:-1], found.outputs_json)


@dataclass(frozen=True, slots=True)
class ModelFailure:
    """Why one of several models gave no prediction."""

    error: ErrorFacts
    detail: str


@dataclass(frozen=True, slots=True)
class AnalysisBody:
    """The answers of several models to one request."""

    results: Mapping[str, PredictionBody | ModelFailure]
    """By model: its prediction, or why there is none."""


@router.post("/v1/analyze", responses=_FAILS, dependencies=[READER], openapi_extra={
    "requestBody": {"content": {"application/json": {"schema": {
        "type": "object",
        "required": ["inputs"],
        "properties": {"inputs": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "object"}},
        }},
    }}}}
})  # fmt: skip
async def analyze(request: Request, models: ModelsDep, person: Person = "") -> AnalysisBody:
    """Ask several models at once: ``{"inputs": {"model": [row, ...], ...}}``.

    A model that fails does not stop the others; its entry is the error.
    """
    body = await _body_of(request)
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, dict) or not 0 < len(inputs) <= _MAX_MODELS:
        raise InvalidRequest(
            f"The body has no `inputs` of 1 to {_MAX_MODELS} models.",
            hint='Send {"inputs": {"model": [{"column": value}]}}.',
        )
    request_id = request_id_of(request.scope)
    found = await asyncio.gather(
        *(_analyze_one(models, name, rows, request_id, person) for name, rows in inputs.items())
    )
    results: dict[str, Any] = dict(zip(inputs, found, strict=True))  # Already JSON.
    return AnalysisBody(results)


async def _analyze_one(
    models: Models, name: str, rows: Any, request_id: str, person: str
) -> dict[str, Any]:
    try:
        if not isinstance(rows, list):
            raise InvalidRequest(f"The input of {name[:80]!r} is not a list of rows.")
        found = await models.serving.predict(name, rows, request_id, user_id=person)
    except TrimtabError as error:
        return error_body(error)
    body: dict[str, Any] = orjson.loads(prediction_json(found))
    return body


@router.get(
    "/v1/models/{name}/health",
    responses={**answers(200, ModelHealth), **answers(503, ModelHealth), **_FAILS},
    dependencies=[READER],
)
async def model_health(name: str, models: ModelsDep) -> Response:
    """Predict a known row with what serves; 503 when it fails or its confidence is 0.5 or less."""
    return await _health(name, models)


@router.post(
    "/v1/models/{name}/health",
    responses={**answers(200, ModelHealth), **answers(503, ModelHealth), **_FAILS},
    dependencies=[READER],
)
async def post_model_health(name: str, models: ModelsDep) -> Response:
    """Do as ``GET`` does; the documents ask by ``POST``."""
    return await _health(name, models)


async def _health(name: str, models: Models) -> Response:
    found = await run_in_threadpool(models.health, name)
    return Response(
        orjson.dumps(found), 200 if found.healthy else 503, media_type="application/json"
    )


@dataclass(frozen=True, slots=True)
class ServerState:
    """State of the inference server, in the words of the Open Inference Protocol."""

    live: bool
    ready: bool = True


@dataclass(frozen=True, slots=True)
class ServerMetadata:
    """Name, version and extensions of the inference server."""

    name: str
    version: str
    extensions: tuple[str, ...]


@router.get("/v2", dependencies=[READER])
def server_metadata() -> ServerMetadata:
    """Return name and version, as the Open Inference Protocol asks."""
    from trimtab import __version__

    return ServerMetadata("trimtab", __version__, ())


@router.get("/v2/health/live", dependencies=[READER])
def server_live() -> ServerState:
    """Say that the server runs."""
    return ServerState(live=True)


@router.get("/v2/health/ready", dependencies=[READER])
def server_ready() -> ServerState:
    """Say that the server takes requests."""
    return ServerState(live=True)


@router.get("/v2/models/{name}", responses=_FAILS, dependencies=[READER])
def show_model_metadata(name: str, models: ModelsDep) -> ModelMetadata:
    """Return inputs and outputs of a model, as the Open Inference Protocol asks."""
    version = models.registry.resolve(name)
    numbers = [str(each.version) for each in models.registry.versions(name)]
    return model_metadata(version, numbers)


@router.get(
    "/v2/models/{name}/ready",
    responses={**answers(200, ModelHealth), **answers(503, ModelHealth), **_FAILS},
    dependencies=[READER],
)
async def model_ready(name: str, models: ModelsDep) -> Response:
    """Predict a known row: 200 when the model answers, else 503."""
    return await _health(name, models)


@router.post(
    "/v2/models/{name}/infer",
    responses={**answers(200, InferResponse), **_FAILS},
    openapi_extra={
        "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}
    },
    dependencies=[READER],
)
async def infer(name: str, request: Request, models: ModelsDep, person: Person = "") -> Response:
    """Predict tensors by the Open Inference Protocol: one input for each column, or one matrix."""
    asked = InferRequest.of(await _body_of(request))
    schema = (await run_in_threadpool(models.serving.production, name)).manifest.schema
    request_id = asked.id or request_id_of(request.scope)
    found = await models.serving.predict(name, asked.rows(schema), request_id, user_id=person)
    return Response(orjson.dumps(infer_response(found)), media_type="application/json")
