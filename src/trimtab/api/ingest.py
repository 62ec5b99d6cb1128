"""Ingestion of documents: a text as JSON, or files as a form."""

import re
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from trimtab.api.data_subject import MAX_LABELS, MAX_USER_ID, Person, validate_user_id
from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute, answers
from trimtab.api.http.texts import MAX_PROJECT_NAME, check_form
from trimtab.api.roles import TENANT_OPERATOR
from trimtab.api.services import Caller, KnowledgeDep
from trimtab.infra.auth import Principal, Role
from trimtab.infra.web.json_body import InvalidRequest
from trimtab.kernel.errors import ErrorKind, Forbidden
from trimtab.knowledge import FailedDocument, IngestResult, Knowledge
from trimtab.knowledge.ingestion import MAX_DOCUMENT_NAME, DocumentSource
from trimtab.knowledge.parsing.content import Content

router = APIRouter(prefix="/api/v1", tags=["knowledge"], route_class=ApiRoute)

_MAX_FILES = 1000
_PROJECT_SCHEMA = {"type": "string", "maxLength": MAX_PROJECT_NAME}
_OWNER_SCHEMA = {"type": "string", "maxLength": MAX_USER_ID}
_LABELS_SCHEMA = {
    "type": "array",
    "maxItems": MAX_LABELS,
    "items": {"type": "string", "maxLength": 100},
}
_MAX_TEXT = 50 * 1024 * 1024
"""Of a text sent as JSON; `knowledge.max_document_mb` may be less."""
_LABEL = re.compile(r"[a-zA-Z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True)
class IngestRefusal:
    """A refused document with its error."""

    name: str
    code: str
    message: str
    hint: str
    retryable: bool
    kind: str

    @classmethod
    def of(cls, failed: FailedDocument) -> "IngestRefusal":
        """Return a document that was not ingested, with its error."""
        error = failed.error
        return cls(
            failed.name, error.code, error.message, error.hint(), error.retryable, error.kind
        )


@dataclass(frozen=True, slots=True)
class IngestedMany:
    """Results of several documents of one request."""

    documents: tuple[IngestResult, ...]
    refused: tuple[IngestRefusal, ...]


@router.post("/ingest", dependencies=[TENANT_OPERATOR], responses={
    **answers(200, IngestResult | IngestedMany),
    **answers(202, IngestResult, "Accepted; it continues"),
    **refuses(ErrorKind.STORAGE_FULL),
}, openapi_extra={"requestBody": {"content": {
    "application/json": {"schema": {
        "type": "object",
        "required": ["project", "name", "text"],
        "properties": {
            "labels": _LABELS_SCHEMA,
            "project": _PROJECT_SCHEMA,
            "name": {"type": "string", "maxLength": MAX_DOCUMENT_NAME},
            "text": {"type": "string", "maxLength": _MAX_TEXT},
            "user_id": _OWNER_SCHEMA,
        },
    }},
    "multipart/form-data": {"schema": {
        "type": "object",
        "required": ["project", "file"],
        "properties": {
            "project": _PROJECT_SCHEMA,
            "user_id": _OWNER_SCHEMA,
            "labels": _LABELS_SCHEMA,
            "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
        },
    }},
}}})  # fmt: skip
async def ingest(
    request: Request,
    response: Response,
    knowledge: KnowledgeDep,
    principal: Caller,
    person: Person = "",
) -> IngestResult | IngestedMany:
    """Ingest documents: a text as JSON, or files as a form that is streamed to disk.

    With ``labels`` only keys that have one of them see the documents. With ``user_id`` or the
    header ``X-User-Id`` they belong to that user: an erasure of the user deletes them.

    The answer for one document is its status: ``ingested``, ``unchanged`` or ``queued`` (202). The
    answer for several is a list of results and a list of refused documents; a refused document does
    not stop the others.
    """
    content_type = request.headers.get("content-type", "")
    is_form = content_type.startswith("multipart/form-data")
    ingest_body = _ingest_form if is_form else _ingest_text
    outcome = await ingest_body(request, knowledge, principal, person)
    if isinstance(outcome, IngestResult) and outcome.status == "queued":
        response.status_code = HTTPStatus.ACCEPTED
    return outcome


async def _ingest_text(
    request: Request, knowledge: Knowledge, principal: Principal, person: str
) -> IngestResult:
    body = await request.json()
    fields = ("project", "name", "text")
    if not isinstance(body, dict) or not all(isinstance(body.get(f), str) for f in fields):
        raise InvalidRequest(
            f"The body is neither JSON with the texts {', '.join(fields)} nor a form with files."
        )
    if len(body["text"]) > _MAX_TEXT:
        raise InvalidRequest(f"text: the text has more than {_MAX_TEXT} characters.")
    principal.enter(body["project"])
    labels = _labels(body["labels"], principal) if "labels" in body else ()
    owner = _owner(body["user_id"]) if "user_id" in body else person
    source = DocumentSource(
        body["name"],
        Content(body["text"].encode()),
        "text/plain",
        owner,
        labels,
        visible_to=principal.labels,
    )
    return await run_in_threadpool(knowledge.ingest, body["project"], source)


def _labels(given: object, principal: Principal) -> tuple[str, ...]:
    """Return the access labels; only administrators may set labels that they do not have."""
    if not isinstance(given, list) or len(given) > MAX_LABELS:
        raise InvalidRequest(f"`labels` is not a list of at most {MAX_LABELS} labels.")
    if not all(isinstance(label, str) and _LABEL.fullmatch(label) for label in given):
        raise InvalidRequest("A label has 1 to 100 letters, digits, dots, dashes and underscores.")
    missing = sorted(set(given) - set(principal.labels))
    if missing and not principal.role.includes(Role.ADMIN):
        raise Forbidden(
            f"The key {principal.name!r} lacks the label {missing[0]!r}.",
            hint="Ingest the document with a key that has the label.",
        )
    return tuple(sorted(set(given)))


def _owner(given: object) -> str:
    if not isinstance(given, str) or len(given) > MAX_USER_ID:
        raise InvalidRequest(f"The user id is not a text of at most {MAX_USER_ID} characters.")
    try:
        return validate_user_id(given.strip())
    except ValueError as problem:
        raise InvalidRequest(str(problem)) from None


async def _ingest_form(
    request: Request, knowledge: Knowledge, principal: Principal, person: str
) -> IngestResult | IngestedMany:
    async with request.form(max_files=_MAX_FILES) as form:
        check_form(form)
        project = form.get("project")
        files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        if not isinstance(project, str) or not files:
            raise InvalidRequest("The form needs `project` and at least one file.")
        principal.enter(project)
        owner = _owner(form["user_id"]) if "user_id" in form else person
        labels = _labels(form.getlist("labels"), principal)
        sources = [
            DocumentSource(
                file.filename or "",
                Content(file.file),
                file.content_type,
                owner,
                labels,
                visible_to=principal.labels,
            )
            for file in files
        ]
        if len(sources) == 1:
            return await run_in_threadpool(knowledge.ingest, project, sources[0])
        return await run_in_threadpool(_ingest_many, knowledge, project, sources)


def _ingest_many(
    knowledge: Knowledge, project: str, sources: list[DocumentSource]
) -> IngestResult | IngestedMany:
    outcomes = list(knowledge.ingest_many(project, sources))
    return IngestedMany(
        tuple(done for done in outcomes if isinstance(done, IngestResult)),
        tuple(IngestRefusal.of(each) for each in outcomes if isinstance(each, FailedDocument)),
    )
