"""Projects and their documents."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from trimtab.api.data_subject import MAX_LABELS, Label
from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.http.schemas import extended
from trimtab.api.http.texts import ProjectName
from trimtab.api.roles import ADMIN, OPERATOR, TENANT_ADMIN, TENANT_READER, TENANT_REVIEWER
from trimtab.api.services import Caller, EnvDep, KnowledgeDep
from trimtab.kernel.errors import ErrorKind
from trimtab.knowledge.records import Document, ProjectStats

router = APIRouter(prefix="/api/v1", tags=["knowledge"], route_class=ApiRoute)

Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=2**31)]


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("The time is out of range.") from error


Since = Annotated[AwareDatetime, AfterValidator(_in_utc)]


@dataclass(frozen=True, slots=True)
class ProjectList:
    """The projects that the caller may see."""

    projects: tuple[ProjectStats, ...]


@dataclass(frozen=True, slots=True)
class ProjectCreated:
    """A project that exists now."""

    name: str
    created: bool
    """False when it existed before."""


@dataclass(frozen=True, slots=True)
class ProjectDeleted:
    """A deleted project."""

    name: str
    documents: int
    """Number of deleted documents."""


@dataclass(frozen=True, slots=True)
class DocumentList:
    """A project's documents, by name."""

    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentBody(Document):
    """A document with its text."""

    text: str
    """The text to which the offsets of citations refer."""


@dataclass(frozen=True, slots=True)
class DocumentDeleted:
    """Id of a deleted document."""

    document_id: str


class NewProject(BaseModel):
    """Name and embedder of a new project."""

    name: ProjectName
    embedder: Literal["standard", "multilingual"] = "standard"
    """``multilingual`` needs ``trimtab[multilingual]``."""


@router.get("/projects", dependencies=[TENANT_READER])
def projects(knowledge: KnowledgeDep, principal: Caller) -> ProjectList:
    """List every project that the caller may see."""
    found = knowledge.projects.list()
    return ProjectList(tuple(project for project in found if principal.sees(project.name)))


@router.post(
    "/projects",
    status_code=201,
    responses=refuses(
        ErrorKind.CONFLICT, ErrorKind.MISCONFIGURED, ErrorKind.UNAVAILABLE, ErrorKind.STORAGE_FULL
    ),
    dependencies=[OPERATOR],
)
def create_project(new: NewProject, knowledge: KnowledgeDep) -> ProjectCreated:
    """Create an empty project; an existing one is left as it is."""
    return ProjectCreated(new.name, knowledge.projects.create(new.name, new.embedder))


@router.delete(
    "/projects/{project}",
    responses=refuses(ErrorKind.INVALID, ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
)
def delete_project(project: str, knowledge: KnowledgeDep) -> ProjectDeleted:
    """Delete a project with all its documents."""
    return ProjectDeleted(project, knowledge.projects.delete(project))


@router.get(
    "/projects/{project}/documents",
    responses=refuses(ErrorKind.NOT_FOUND),
    dependencies=[TENANT_READER],
)
def documents(
    project: str,
    knowledge: KnowledgeDep,
    principal: Caller,
    limit: Limit = 1000,
    offset: Offset = 0,
    since: Since | None = None,
) -> DocumentList:
    """List a project's documents by name; with `since` those that came in or changed since then."""
    found = knowledge.documents.list(project, limit, offset, principal.labels, since)
    return DocumentList(tuple(found))


@router.get(
    "/projects/{project}/documents/{document_id}",
    responses=refuses(ErrorKind.INVALID, ErrorKind.NOT_FOUND),
    dependencies=[TENANT_READER],
)
def document(
    project: str, document_id: str, knowledge: KnowledgeDep, principal: Caller
) -> DocumentBody:
    """Return one document, by id, with the text to which citations' offsets refer."""
    found = knowledge.documents.get(project, document_id, principal.labels)
    text = knowledge.documents.text(project, found.id)
    return extended(DocumentBody, found, text=text)


class NewLabels(BaseModel):
    """Access labels of a document."""

    labels: Annotated[list[Label], Field(max_length=MAX_LABELS)]
    """The new labels; without any every caller sees the document."""


@router.put(
    "/projects/{project}/documents/{document_id}/labels",
    status_code=204,
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[TENANT_ADMIN],
)
def set_labels(
    project: str,
    document_id: str,
    given: NewLabels,
    env: EnvDep,
    knowledge: KnowledgeDep,
    principal: Caller,
) -> None:
    """Replace a document's access labels; only keys with one of them see it."""
    knowledge.documents.set_metadata(project, document_id, labels=given.labels)
    facts = {"project": project, "labels": sorted(set(given.labels))}
    env.audit.append(principal.name, "knowledge.labels_set", document_id, facts)


@router.put(
    "/projects/{project}/documents/{document_id}/review",
    status_code=204,
    responses=refuses(ErrorKind.INVALID, ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[TENANT_REVIEWER],
)
def review_document(
    project: str, document_id: str, env: EnvDep, knowledge: KnowledgeDep, principal: Caller
) -> None:
    """Mark a document's present version as reviewed."""
    found = knowledge.documents.review(project, document_id, principal.labels)
    facts = {"project": project, "version": found.version}
    env.audit.append(principal.name, "knowledge.document_reviewed", found.id, facts)


@router.delete(
    "/projects/{project}/documents/{document_id}",
    responses=refuses(ErrorKind.INVALID, ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[TENANT_ADMIN],
)
def delete_document(
    project: str, document_id: str, knowledge: KnowledgeDep, principal: Caller
) -> DocumentDeleted:
    """Delete a document at once from search."""
    found = knowledge.documents.get(project, document_id, principal.labels)
    return DocumentDeleted(knowledge.documents.delete(project, found.id))
