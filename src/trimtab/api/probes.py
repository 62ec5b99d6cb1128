"""Probes of the operations documents, for any vector engine.

The heartbeat and the health of the vector store are public, as `/health` is: an orchestrator has no
key, and they return one word.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.responses import Response

from trimtab.api.errors import error_response
from trimtab.api.http.openapi import refuses, sends
from trimtab.api.http.routes import ApiRoute, answers
from trimtab.api.roles import ANYBODY, READER
from trimtab.api.services import KnowledgeDep
from trimtab.kernel.errors import ErrorKind, Unavailable
from trimtab.knowledge import Knowledge

router = APIRouter(tags=["health"], route_class=ApiRoute)


class VectorStoreDown(Unavailable):
    """The vector store does not answer."""

    code = "api.vector_store_down"
    default_hint = "`/health` shows the reason; `trimtab incidents list` shows the repair."


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The vector store answers."""

    status: Literal["ok"]


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """Counts over all projects."""

    status: Literal["green", "yellow", "red"]
    points_count: int
    vectors_count: int
    indexed_vectors_count: int
    documents_count: int


@dataclass(frozen=True, slots=True)
class CollectionBody:
    """Counts in the format of a Qdrant collection."""

    status: Literal["ok"]
    time: float
    result: CollectionFacts


@router.get(
    "/api/v1/heartbeat",
    responses={**answers(200, Heartbeat), **refuses(ErrorKind.UNAVAILABLE)},
    dependencies=[ANYBODY],
)
def heartbeat(knowledge: KnowledgeDep) -> Response:
    """Return whether the vector store answers, as Chroma's heartbeat does."""
    if not _is_up(knowledge):
        return error_response(VectorStoreDown("The vector store is down."))
    return JSONResponse({"status": "ok"})


@router.get(
    "/healthz",
    response_class=PlainTextResponse,
    responses={**refuses(ErrorKind.UNAVAILABLE), **sends("text/plain")},
    dependencies=[ANYBODY],
)
def healthz(knowledge: KnowledgeDep) -> Response:
    """Return the same in the format of Qdrant."""
    if not _is_up(knowledge):
        return error_response(VectorStoreDown("The vector store is down."))
    return PlainTextResponse("healthz check passed", HTTPStatus.OK)


@router.get("/collections/documents", dependencies=[READER])
def collection(knowledge: KnowledgeDep) -> CollectionBody:
    """Return the number of documents and vectors, in the format of a Qdrant collection.

    The status is ``green`` if every passage has its vector, ``yellow`` while vectors are missing,
    and ``red`` if the vector store is down.
    """
    found = knowledge.projects.list()
    points, vectors = sum(each.chunks for each in found), sum(each.vectors for each in found)
    up_status: Literal["green", "yellow"] = "green" if vectors >= points else "yellow"
    facts = CollectionFacts(
        status=up_status if _is_up(knowledge) else "red",
        points_count=points,
        vectors_count=vectors,
        indexed_vectors_count=vectors,
        documents_count=sum(project.documents for project in found),
    )
    return CollectionBody("ok", 0.0, facts)


def _is_up(knowledge: Knowledge) -> bool:
    return knowledge.components()["vector_store"]
