"""Projects, documents and search, under the paths of the contract."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from trimtab.api.body import Body, problem_of
from trimtab.api.data_subject import MOST, Label, Person, checked_person
from trimtab.api.errors import InvalidRequest
from trimtab.api.http.openapi import refuses
from trimtab.api.roles import ADMIN, OPERATOR, READER, TENANT_ADMIN, TENANT_OPERATOR, TENANT_READER
from trimtab.api.services import Caller, Here, Services
from trimtab.infra.auth import Principal, Role
from trimtab.infra.web import caller
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import ErrorKind, Forbidden
from trimtab.knowledge import FailedDocument, IngestResult
from trimtab.knowledge.ingestion import DocumentSource
from trimtab.knowledge.parsing.content import Content
from trimtab.knowledge.records import SearchResult
from trimtab.knowledge.search import SearchRequest
from trimtab.knowledge.validation import parse_query_list

router = APIRouter(prefix="/api/v1", tags=["knowledge"], route_class=GuardedRoute)

_MOST_FILES = 1000
_MOST_LABELS = 100
_LABEL = re.compile(r"[a-zA-Z0-9_.-]{1,100}")
_FOUND = TypeAdapter(SearchResult)
Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=2**31)]


class NewProject(Body):
    """A project to make."""

    name: str


@router.get("/stats", dependencies=[READER])
def stats(here: Here) -> dict[str, object]:
    """Return the caches' figures and the counts of what is stored."""
    return here.knowledge.stats()


class WarmCache(Body):
    """Which queries are to be answered into the cache."""

    project: str = ""
    """Empty means all."""
    top: Annotated[int, Field(ge=1, le=100_000)] = 1000
    queries: Annotated[str, Field(max_length=5_000_000)] | None = None
    """One a line, with or without the counts of ``uniq -c``; without it the most frequent ones."""


@router.post("/cache/warm", dependencies=[OPERATOR])
def warm_cache(wanted: WarmCache, here: Here) -> dict[str, int]:
    """Answer queries into the cache; say how many were answered, and how many could not be."""
    lines = parse_query_list(wanted.queries or "")
    if wanted.queries is not None and not lines:
        raise InvalidRequest("`queries` holds no query.")
    done = here.knowledge.warm_cache(wanted.top, wanted.project, lines)
    return {"asked": done.asked, "skipped": done.skipped}


@router.get("/projects", dependencies=[TENANT_READER])
def projects(here: Here, who: Caller) -> dict[str, list[dict[str, object]]]:
    """List every project that is there for the caller."""
    found = here.knowledge.projects.list()
    mine = [one for one in found if who.sees(one.name)]
    return {"projects": [asdict(project) for project in mine]}


@router.post(
    "/projects", status_code=201, responses=refuses(ErrorKind.STORAGE_FULL), dependencies=[OPERATOR]
)
def create_project(new: NewProject, here: Here) -> dict[str, str]:
    """Make an empty project; nothing happens when it is there."""
    here.knowledge.projects.create(new.name)
    return {"name": new.name}


@router.delete(
    "/projects/{project}",
    responses=refuses(ErrorKind.INVALID, ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
)
def delete_project(project: str, here: Here) -> dict[str, object]:
    """Delete a project with all its documents."""
    return {"name": project, "documents": here.knowledge.projects.delete(project)}


@router.get(
    "/projects/{project}/documents",
    responses=refuses(ErrorKind.NOT_FOUND),
    dependencies=[TENANT_READER],
)
def documents(
    project: str, here: Here, who: Caller, limit: Limit = 1000, offset: Offset = 0
) -> dict[str, list[dict[str, object]]]:
    """List a project's documents by name."""
    found = here.knowledge.documents.list(project, limit, offset, who.labels)
    return {"documents": [asdict(document) for document in found]}


@router.get(
    "/projects/{project}/documents/{document_id}",
    responses=refuses(ErrorKind.INVALID, ErrorKind.NOT_FOUND),
    dependencies=[TENANT_READER],
)
def document(project: str, document_id: str, here: Here, who: Caller) -> dict[str, object]:
    """Return one document, by id, with the text to which citations' offsets refer."""
    found = here.knowledge.documents.get(project, document_id, who.labels)
    return {**asdict(found), "text": here.knowledge.documents.text(project, found.id)}


class NewLabels(Body):
    """Access labels of a document."""

    labels: Annotated[list[Label], Field(max_length=_MOST_LABELS)]
    """All that it has from now on; none means that everybody sees it."""


@router.put(
    "/projects/{project}/documents/{document_id}/labels",
    status_code=204,
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[TENANT_ADMIN],
)
def set_labels(project: str, document_id: str, given: NewLabels, here: Here, who: Caller) -> None:
    """Replace a document's access labels; from now on only keys that share one see it."""
    here.knowledge.documents.set_metadata(project, document_id, labels=given.labels)
    facts = {"project": project, "labels": sorted(set(given.labels))}
    here.audit.append(who.name, "knowledge.labels_set", document_id, facts)


@router.delete(
    "/projects/{project}/documents/{document_id}",
    responses=refuses(ErrorKind.INVALID, ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[TENANT_ADMIN],
)
def delete_document(project: str, document_id: str, here: Here, who: Caller) -> dict[str, str]:
    """Delete a document; from now on no search finds it."""
    found = here.knowledge.documents.get(project, document_id, who.labels)
    return {"document_id": here.knowledge.documents.delete(project, found.id)}


@router.get(
    "/search/{project}",
    responses=refuses(ErrorKind.NOT_FOUND),
    dependencies=[TENANT_READER],
)
async def search(
    project: str,
    q: str,
    here: Here,
    request: Request,
    top_k: Annotated[int, Query()] = 10,
    offset: Annotated[int, Query()] = 0,
) -> Response:
    """Return the passages that answer the query, best first."""
    labels = caller(request).labels

    def work() -> Response:
        found = here.knowledge.search(project, q, top_k, offset=offset, labels=labels)
        return Response(_FOUND.dump_json(found), media_type="application/json")

    asked = SearchRequest(top_k, offset, labels=labels)
    if here.knowledge.searcher.is_cached(project, q, asked):
        return work()
    return await here.places.run(work)


@router.post("/ingest", responses=refuses(ErrorKind.STORAGE_FULL), dependencies=[TENANT_OPERATOR], openapi_extra={"requestBody": {"content": {
    "application/json": {"schema": {
        "type": "object",
        "required": ["project", "name", "text"],
        "properties": {
            "labels": {"type": "array", "items": {"type": "string"}},
            **{name: {"type": "string"} for name in ("project", "name", "text", "user_id")},
        },
    }},
    "multipart/form-data": {"schema": {
        "type": "object",
        "required": ["project", "file"],
        "properties": {
            "project": {"type": "string"},
            "user_id": {"type": "string"},
            "labels": {"type": "array", "items": {"type": "string"}},
            "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
        },
    }},
}}})  # fmt: skip
async def ingest(request: Request, here: Here, who: Caller, person: Person = "") -> JSONResponse:
    """Take documents in: a text as JSON, or files as a form that is streamed to disk.

    With ``labels`` they are seen only by keys that share one. With ``user_id``, or the header ``X-User-Id``, they are that person's: erasing the person deletes them.

    One document is answered with what became of it: ``ingested``, ``unchanged`` or ``queued`` (202).
    Several are answered with a list, and a list of those that were refused; a refused one does not
    stop the others.
    """
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await _ingest_form(request, here, who, person)
    text = await _text_of(request)
    labels = _labels(text.get("labels", []), who)
    who.enter(text["project"])
    data = Content.of(text["text"].encode())
    owner = _owner(text.get("user_id", person))
    source = DocumentSource(text["name"], data, "text/plain", owner, labels, who.labels)
    return _outcome(await run_in_threadpool(here.knowledge.ingest, text["project"], source))


async def _text_of(request: Request) -> Mapping[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        raise InvalidRequest("The body is neither JSON nor a form with files.") from None
    fields = ("project", "name", "text")
    if not isinstance(body, dict) or not all(isinstance(body.get(f), str) for f in fields):
        raise InvalidRequest(f"The body needs the texts {', '.join(fields)}.")
    if problem := problem_of(body):
        raise InvalidRequest(problem)
    return body


def _labels(given: object, who: Principal) -> tuple[str, ...]:
    """Return the access labels for what is taken in: nobody gives a label that they lack, except administrators."""
    if not isinstance(given, list) or len(given) > _MOST_LABELS:
        raise InvalidRequest(f"`labels` is not a list of at most {_MOST_LABELS} labels.")
    if not all(isinstance(one, str) and _LABEL.fullmatch(one) for one in given):
        raise InvalidRequest("A label has 1 to 100 letters, digits, dots, dashes and underscores.")
    missing = sorted(set(given) - set(who.labels))
    if missing and not who.role.includes(Role.ADMIN):
        raise Forbidden(
            f"The key {who.name!r} lacks the label {missing[0]!r}.",
            hint="Take the document in with a key that has the label.",
        )
    return tuple(sorted(set(given)))


def _owner(given: object) -> str:
    if not isinstance(given, str) or len(given) > MOST:
        raise InvalidRequest(f"The user id is not a text of at most {MOST} characters.")
    try:
        return checked_person(given.strip())
    except ValueError as problem:
        raise InvalidRequest(str(problem)) from None


async def _ingest_form(
    request: Request, here: Services, who: Principal, person: str
) -> JSONResponse:
    async with request.form(max_files=_MOST_FILES) as form:
        project = form.get("project")
        files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        if not isinstance(project, str) or not files:
            raise InvalidRequest("The form needs `project` and at least one file.")
        who.enter(project)
        owner = _owner(form.get("user_id", person))
        labels = _labels(form.getlist("labels"), who)
        sources = [
            DocumentSource(
                file.filename or "",
                Content(file.file),
                file.content_type,
                owner,
                labels,
                who.labels,
            )
            for file in files
        ]
        if len(sources) == 1:
            return _outcome(await run_in_threadpool(here.knowledge.ingest, project, sources[0]))
        return await run_in_threadpool(_ingest_many, here, project, sources)


def _ingest_many(here: Services, project: str, sources: list[DocumentSource]) -> JSONResponse:
    outcomes = list(here.knowledge.ingest_many(project, sources))
    return JSONResponse(
        {
            "documents": [asdict(done) for done in outcomes if isinstance(done, IngestResult)],
            "refused": [
                {"name": failed.name, **failed.error.as_wire()}
                for failed in outcomes
                if isinstance(failed, FailedDocument)
            ],
        }
    )


def _outcome(done: IngestResult) -> JSONResponse:
    return JSONResponse(asdict(done), 202 if done.status == "queued" else 200)
