"""Pages of projects and documents: create, upload, search, read and delete."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from trimtab.console.paging import PageNumber, Pages
from trimtab.console.render import page
from trimtab.console.services import (
    ADMIN,
    OPERATOR,
    READER,
    Caller,
    ContradictionsDep,
    EnvDep,
    KnowledgeDep,
)
from trimtab.infra.environment import Environment
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import InvalidInput
from trimtab.knowledge import DocumentState, Knowledge
from trimtab.knowledge.parsing.formats import SUFFIXES
from trimtab.knowledge.service import RECENT_DAYS

router = APIRouter(prefix="/console/documents", route_class=GuardedRoute)

PAGE_SIZE = 50


@router.get("", dependencies=[READER])
def projects(request: Request, knowledge: KnowledgeDep) -> HTMLResponse:
    """Show the projects."""
    return page(request, "projects.html", {"projects": knowledge.projects.list()})


@router.post("", dependencies=[OPERATOR])
def create_project(
    knowledge: KnowledgeDep, name: Annotated[str, Form(max_length=1000)]
) -> RedirectResponse:
    """Create a project and lead to its page; an existing one is left as it is."""
    knowledge.projects.create(name.strip())
    return RedirectResponse(f"/console/documents/{name.strip()}", HTTPStatus.SEE_OTHER)


@router.get("/{project}", dependencies=[READER])
def documents(
    request: Request,
    project: str,
    env: EnvDep,
    knowledge: KnowledgeDep,
    principal: Caller,
    q: Annotated[str, Query(max_length=200)] = "",
    number: PageNumber = 1,
) -> HTMLResponse:
    """Show a project's documents, those with the searched text in their name or title."""
    text, offset = q.strip(), (number - 1) * PAGE_SIZE
    found = knowledge.documents.named_like(project, text, PAGE_SIZE, offset, principal.labels)
    values = {
        "project": project,
        "documents": found.documents,
        "pages": Pages(number, PAGE_SIZE, found.total),
        "text": text,
        "waiting": any(each.state is DocumentState.QUEUED for each in found.documents),
        "max_mb": _max_mb(env, knowledge),
        "suffixes": sorted(SUFFIXES),
    }
    return page(request, "documents.html", values)


@router.get("/{project}/contradictions", dependencies=[READER])
def contradictions(
    request: Request, project: str, finder: ContradictionsDep, principal: Caller
) -> HTMLResponse:
    """Show statements of the last days' documents that conflict with older ones."""
    values = {
        "project": project,
        "days": RECENT_DAYS,
        "contradictions": finder.find(project, RECENT_DAYS, PAGE_SIZE, principal.labels),
    }
    return page(request, "contradictions.html", values)


@router.post("/{project}/delete", dependencies=[ADMIN])
def delete_project(
    project: str, knowledge: KnowledgeDep, confirm: Annotated[str, Form(max_length=1000)] = ""
) -> RedirectResponse:
    """Delete the project with all its documents, if its name was typed as confirmation."""
    if confirm.strip() != project:
        raise InvalidInput(
            "The project is not deleted: the name that was typed is another.",
            hint=f"Type {project} to delete the project {project}.",
        )
    knowledge.projects.delete(project)
    return RedirectResponse("/console/documents", HTTPStatus.SEE_OTHER)


@router.get("/{project}/{document_id}", dependencies=[READER])
def document(
    request: Request,
    project: str,
    document_id: str,
    knowledge: KnowledgeDep,
    principal: Caller,
    number: PageNumber = 1,
) -> HTMLResponse:
    """Show a document with its passages."""
    found = knowledge.documents.get(project, document_id, principal.labels)
    values = {
        "document": found,
        "labels": knowledge.documents.labels_of(found),
        "passages": knowledge.documents.passages(found, PAGE_SIZE, (number - 1) * PAGE_SIZE),
        "pages": Pages(number, PAGE_SIZE, found.chunks),
    }
    return page(request, "document.html", values)


@router.post("/{project}/{document_id}/delete", dependencies=[ADMIN])
def delete_document(
    project: str, document_id: str, knowledge: KnowledgeDep, principal: Caller
) -> RedirectResponse:
    """Delete a document at once from search."""
    found = knowledge.documents.get(project, document_id, principal.labels)
    knowledge.documents.delete(project, found.id)
    return RedirectResponse(f"/console/documents/{project}", HTTPStatus.SEE_OTHER)


def _max_mb(env: Environment, knowledge: Knowledge) -> int:
    """Return the size in MB up to which the service takes a document."""
    return min(env.settings.api.max_upload_mb, knowledge.settings.max_document_mb)
