"""Routes of the registry of trained models."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.http.texts import check_form
from trimtab.api.privacy import SignedStatement
from trimtab.api.roles import ADMIN, OPERATOR, READER
from trimtab.api.services import Caller, KnowledgeDep, ModelsDep
from trimtab.infra.web.json_body import InvalidRequest
from trimtab.infra.web.routes import parse_json
from trimtab.kernel.errors import ErrorKind
from trimtab.models.errors import RequestUnknown
from trimtab.models.records import AliasMove, ModelVersion
from trimtab.models.registration import ModelUpload
from trimtab.models.verification import FileCheck, check_files

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=ApiRoute)

_UNKNOWN = refuses(ErrorKind.NOT_FOUND)
_MOVES = refuses(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.CORRUPT, ErrorKind.STORAGE_FULL)
_FIELDS = ("positive", "card", "data_sha256")
Reason = Annotated[str, StringConstraints(max_length=1000)]


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A model with the versions that its aliases name."""

    name: str
    versions: int
    aliases: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ModelList:
    """All models, sorted by name."""

    models: tuple[ModelSummary, ...]


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """One version in a list."""

    version: int
    aliases: tuple[str, ...]
    flavour: str
    sha256: str
    """Of the signed manifest, which covers the hash of every file."""
    parent: int
    metrics: Mapping[str, float]
    registered_at: datetime
    registered_by: str

    @classmethod
    def of(cls, version: ModelVersion, aliases: Mapping[str, int]) -> "VersionSummary":
        """Return the summary of a version."""
        mine = tuple(alias for alias, number in aliases.items() if number == version.version)
        manifest = version.manifest
        return cls(
            version.version,
            mine,
            manifest.flavour,
            version.digest,
            manifest.parent,
            manifest.metrics,
            version.registered_at,
            version.registered_by,
        )


@dataclass(frozen=True, slots=True)
class VersionList:
    """The versions of one model, oldest first."""

    name: str
    versions: tuple[VersionSummary, ...]


@dataclass(frozen=True, slots=True)
class VersionDetail:
    """One version with its signed manifest."""

    name: str
    version: int
    aliases: tuple[str, ...]
    sha256: str
    registered_at: datetime
    registered_by: str
    manifest: Mapping[str, Any]
    signature: SignedStatement
    """DSSE envelope over name, number and manifest."""

    @classmethod
    def of(cls, version: ModelVersion, aliases: Mapping[str, int]) -> "VersionDetail":
        """Return everything about a version."""
        return cls(
            version.name,
            version.version,
            tuple(alias for alias, number in aliases.items() if number == version.version),
            version.digest,
            version.registered_at,
            version.registered_by,
            version.manifest.to_json(),
            cast("SignedStatement", version.signature),  # Its JSON form.
        )


@dataclass(frozen=True, slots=True)
class AliasLog:
    """Moves of aliases, newest first."""

    name: str
    moves: tuple[AliasMove, ...]


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Result of checking what serves: files, signature and golden batch."""

    name: str
    intact: bool
    problems: tuple[str, ...]
    repaired: tuple[str, ...]
    """Versions whose files were fetched again."""


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """Which bytes answered a request."""

    request_id: str
    timestamp: str
    model: str
    version: int
    sha256: str
    files: Mapping[str, str]
    """SHA-256 of each file of the version."""
    alias: str
    outcome: str
    served_by: str
    latency_ms: float
    inputs: Any
    outputs: Any


@dataclass(frozen=True, slots=True)
class ServedRequests:
    """The predictions with one request id, newest first."""

    results: tuple[ServedRequest, ...]


@dataclass(frozen=True, slots=True)
class FileChecks:
    """Checks of the files of all models, of files of none, and of the embedding model."""

    intact: bool
    files: tuple[FileCheck, ...]


class AliasMoveRequest(BaseModel):
    """A version to let an alias point to."""

    version: Annotated[int, Field(ge=1)] | None
    """Null removes the alias."""
    reason: Reason = ""


class PromoteRequest(BaseModel):
    """A version to let serve."""

    version: Annotated[int, Field(ge=1)]
    reason: Reason = ""


class RollbackRequest(BaseModel):
    """Why the previous version shall serve again."""

    reason: Reason = ""


class UploadFields(BaseModel):
    """Facts stated about an uploaded model."""

    positive: Annotated[str, StringConstraints(max_length=200)] = ""
    metrics: Annotated[dict[str, float], Field(max_length=200)] = {}
    parent: Annotated[int, Field(ge=0)] = 0
    card: Annotated[str, StringConstraints(max_length=200_000)] = ""
    data_sha256: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""
    accept_libraries: bool = False


_SAMPLE = TypeAdapter(list[dict[str, Any]])


files_router = APIRouter(tags=["models"], route_class=ApiRoute)


@files_router.get("/v1/model-files", dependencies=[OPERATOR])
def model_files(models: ModelsDep, knowledge: KnowledgeDep) -> FileChecks:
    """Check kind, hash and library version of every model file, that of embeddings included."""
    found = check_files(models, knowledge.encoder.home)
    return FileChecks(not any(check.problem for check in found), tuple(found))


@router.get("", dependencies=[READER])
def list_models(models: ModelsDep) -> ModelList:
    """List all models with the versions that their aliases name."""
    registry = models.registry
    return ModelList(
        tuple(
            ModelSummary(name, len(registry.versions(name)), registry.aliases(name))
            for name in registry.names()
        )
    )


@router.post("", status_code=201, dependencies=[OPERATOR], responses=refuses(
    ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL, ErrorKind.UNAVAILABLE
), openapi_extra={"requestBody": {"content": {"multipart/form-data": {"schema": {
    "type": "object",
    "required": ["name", "artifact"],
    "properties": {
        "name": {"type": "string", "maxLength": 64},
        "artifact": {"type": "string", "format": "binary"},
        "manifest": {"type": "string", "format": "binary"},
        "sample": {"type": "string", "format": "binary"},
        "fields": {"type": "string", "format": "binary"},
    },
}}}}})  # fmt: skip
async def register_model(request: Request, models: ModelsDep, principal: Caller) -> VersionDetail:
    """Register a version: a ``.skops`` file with sample rows, or an archive with its manifest.

    ``sample`` is a JSON list of rows of the training data, ``fields`` a JSON object with
    ``positive``, ``metrics``, ``parent``, ``card``, ``data_sha256`` and ``accept_libraries``.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InvalidRequest("The body is not a form with `name` and `artifact`.")
    async with request.form(max_files=4, max_fields=4) as form:
        check_form(form)
        name, artifact = form.get("name"), form.get("artifact")
        if not isinstance(name, str) or not isinstance(artifact, UploadFile):
            raise InvalidRequest("The form needs the text `name` and the file `artifact`.")
        try:
            fields = UploadFields.model_validate(await _json_part(form.get("fields"), {}))
            sample = _SAMPLE.validate_python(await _json_part(form.get("sample"), []))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise InvalidRequest(f"{where or 'The form'}: {first['msg']}.") from None
        manifest = form.get("manifest")
        upload = ModelUpload(
            name=name,
            filename=artifact.filename or "",
            content=artifact.file,
            manifest=await manifest.read() if isinstance(manifest, UploadFile) else b"",
            sample=sample,
            **fields.model_dump(),
        )
        version = await run_in_threadpool(models.registration.register, upload, principal.name)
    return VersionDetail.of(version, models.registry.aliases(name))


@router.get("/requests/{request_id}", responses=_UNKNOWN, dependencies=[OPERATOR])
def show_request(request_id: str, models: ModelsDep) -> ServedRequests:
    """Return which bytes answered a request, with its rows and outputs."""
    found = models.serving.store.served_bytes(request_id)
    if not found:
        raise RequestUnknown(f"No stored prediction has the request id {request_id[:100]!r}.")
    return ServedRequests(tuple(_served(result) for result in found))


@router.get("/{name}/versions", responses=_UNKNOWN, dependencies=[READER])
def list_versions(name: str, models: ModelsDep) -> VersionList:
    """List the versions of a model, oldest first."""
    aliases = models.registry.aliases(name)
    found = models.registry.versions(name)
    return VersionList(name, tuple(VersionSummary.of(version, aliases) for version in found))


@router.get("/{name}/versions/{ref}", responses=_UNKNOWN, dependencies=[READER])
def show_version(name: str, ref: str, models: ModelsDep) -> VersionDetail:
    """Return one version, by its number or by an alias."""
    version = models.registry.resolve(name, ref)
    return VersionDetail.of(version, models.registry.aliases(name))


@router.get(
    "/{name}/versions/{ref}/archive",
    response_class=Response,
    responses={
        200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}},
        **refuses(ErrorKind.NOT_FOUND, ErrorKind.CORRUPT),
    },
    dependencies=[OPERATOR],
)
def export_version(
    name: str, ref: str, models: ModelsDep, form: Literal["trimtab", "mlflow"] = "trimtab"
) -> Response:
    """Return a version as a zip archive: with its manifest, or as a model folder of MLflow."""
    packed = models.export(name, ref, mlflow=form == "mlflow")
    return Response(packed, media_type="application/zip")


@router.get("/{name}/log", responses=_UNKNOWN, dependencies=[READER])
def alias_log(
    name: str, models: ModelsDep, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> AliasLog:
    """Return who moved which alias, when and why, newest first."""
    return AliasLog(name, tuple(models.registry.alias_log(name, limit)))


@router.put("/{name}/aliases/{alias}", responses=_MOVES, dependencies=[ADMIN])
def move_alias(
    name: str, alias: str, request: AliasMoveRequest, models: ModelsDep, principal: Caller
) -> AliasLog:
    """Let an alias point to a version, after its golden batch was reproduced."""
    move = models.registry.move_alias(name, alias, request.version, principal.name, request.reason)
    return AliasLog(name, () if move is None else (move,))


@router.post("/{name}/promote", responses=_MOVES, dependencies=[ADMIN])
def promote(name: str, request: PromoteRequest, models: ModelsDep, principal: Caller) -> AliasLog:
    """Let a version serve; the one that serves now becomes ``previous``."""
    moves = models.registry.promote(name, request.version, principal.name, request.reason)
    return AliasLog(name, tuple(moves))


@router.post("/{name}/rollback", responses=_MOVES, dependencies=[ADMIN])
def rollback(name: str, request: RollbackRequest, models: ModelsDep, principal: Caller) -> AliasLog:
    """Let the previous version serve again."""
    return AliasLog(name, tuple(models.registry.rollback(name, principal.name, request.reason)))


@router.post("/{name}/verify", responses=_UNKNOWN, dependencies=[OPERATOR])
def verify(name: str, models: ModelsDep) -> VerifyReport:
    """Check signature, files and golden batch of what serves now."""
    problems = models.verify(name)
    return VerifyReport(name, not problems, tuple(problems), ())


@router.post(
    "/{name}/repair",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.CORRUPT, ErrorKind.UNAVAILABLE),
    dependencies=[OPERATOR],
)
def repair(name: str, models: ModelsDep) -> VerifyReport:
    """Fetch damaged files from the second place, serve them, and check again."""
    repaired = models.repair(name)
    problems = models.verify(name)
    return VerifyReport(name, not problems, tuple(problems), tuple(repaired))


async def _json_part(part: UploadFile | str | None, default: Any) -> Any:
    """Return the JSON of a part of the form; raises `InvalidRequest`."""
    if part is None:
        return default
    body = part.encode() if isinstance(part, str) else await part.read()
    return await run_in_threadpool(parse_json, body)


def _served(result: Any) -> ServedRequest:
    from dataclasses import asdict

    return ServedRequest(**asdict(result))
