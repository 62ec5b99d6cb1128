"""Routes that move a project to another engine, and give it another embedder."""

from dataclasses import asdict
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from trimtab.api.http.ndjson import Emit, items_of, ndjson
from trimtab.api.http.openapi import refuses, sends
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import ADMIN
from trimtab.api.services import KnowledgeDep
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/api/v1/projects", tags=["knowledge"], route_class=ApiRoute)


class MoveRequest(BaseModel):
    """The engine that a project moves to."""

    to: Literal["embedded", "postgres", "chroma", "qdrant"]
    dry_run: bool = False


@router.post(
    "/{project}/move",
    response_class=StreamingResponse,
    responses={
        **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
        **sends("application/x-ndjson"),
    },
    dependencies=[ADMIN],
)
def move(project: str, request: MoveRequest, knowledge: KnowledgeDep) -> StreamingResponse:
    """Move a project to another engine; the old one is searched until the new one is verified.

    The answer has one JSON object per line: ``progress`` with ``step``, ``done`` and ``total``, at
    the end ``result`` or ``error``. The move continues after the client disconnects.
    """
    knowledge.projects.check_exists(project)
    mover = knowledge.mover

    def work(emit: Emit) -> None:
        moved = mover.move(
            project,
            request.to,
            lambda step, done, total: emit(
                "progress", {"step": step, "done": done, "total": total}
            ),
            dry_run=request.dry_run,
        )
        emit("result", asdict(moved))

    return ndjson(items_of("move", work))


class ReembedRequest(BaseModel):
    """The embedder that a project gets."""

    embedder: Literal["standard", "multilingual"]


@router.post(
    "/{project}/re-embed",
    response_class=StreamingResponse,
    responses={
        **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
        **sends("application/x-ndjson"),
    },
    dependencies=[ADMIN],
)
def re_embed(project: str, request: ReembedRequest, knowledge: KnowledgeDep) -> StreamingResponse:
    """Make a project's vectors with another embedder; the old ones are used until all are there.

    The answer has one JSON object per line: ``progress`` with ``done`` and ``total``, at the end
    ``result`` or ``error``. The work continues after the client disconnects; when the service ends
    before, the next call continues with what was made.
    """
    knowledge.projects.check_exists(project)
    reembedder = knowledge.parts.reembedder

    def work(emit: Emit) -> None:
        result = reembedder.run(
            project,
            request.embedder,
            lambda done, total: emit("progress", {"done": done, "total": total}),
        )
        emit("result", asdict(result))

    return ndjson(items_of("re-embed", work))
