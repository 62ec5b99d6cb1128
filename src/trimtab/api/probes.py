"""Probes of the operations documents, answered for whatever engine does that work here.

The heartbeat and the health of the vector store are open to everybody, as `/health` is: an orchestrator carries no key,
and they tell one word.
"""

from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.responses import Response

from trimtab.api.errors import error_response
from trimtab.api.http.openapi import refuses, sends
from trimtab.api.roles import ANYBODY, READER
from trimtab.api.services import Here, Services
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import ErrorKind, Unavailable

router = APIRouter(tags=["health"], route_class=GuardedRoute)


class VectorStoreDown(Unavailable):
    """The vector store does not answer."""

    code = "api.vector_store_down"
    default_hint = "`/health` tells why; `trimtab incidents` lists what is being done."


@router.get("/api/v1/heartbeat", responses=refuses(ErrorKind.UNAVAILABLE), dependencies=[ANYBODY])
def heartbeat(here: Here) -> Response:
    """Tell whether the vector store answers, as Chroma's heartbeat does."""
    if not _is_up(here):
        return error_response(VectorStoreDown("The vector store is down."))
    return JSONResponse({"status": "ok"})


@router.get(
    "/healthz",
    response_class=PlainTextResponse,
    responses={**refuses(ErrorKind.UNAVAILABLE), **sends("text/plain")},
    dependencies=[ANYBODY],
)
def healthz(here: Here) -> Response:
    """Tell the same in the words of Qdrant."""
    if not _is_up(here):
        return error_response(VectorStoreDown("The vector store is down."))
    return PlainTextResponse("healthz check passed", HTTPStatus.OK)


@router.get("/collections/documents", dependencies=[READER])
def collection(here: Here) -> dict[str, object]:
    """Tell how many documents and vectors there are, of all projects together, in the form of a collection of Qdrant.

    The status is ``green`` when every passage has its vector, ``yellow`` while some wait for theirs, and ``red`` when the
    vector store is down.
    """
    found = here.knowledge.projects.list()
    points, vectors = sum(one.chunks for one in found), sum(one.vectors for one in found)
    waits = "green" if vectors >= points else "yellow"
    return {
        "status": "ok",
        "time": 0.0,
        "result": {
            "status": waits if _is_up(here) else "red",
            "points_count": points,
            "vectors_count": vectors,
            "indexed_vectors_count": vectors,
            "documents_count": sum(one.documents for one in found),
        },
    }


def _is_up(here: Services) -> bool:
    return here.knowledge.components()["vector_store"]
