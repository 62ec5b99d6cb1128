"""Search, statistics and the query cache."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, TypeAdapter
from starlette.responses import Response

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute, answers
from trimtab.api.http.texts import ProjectName
from trimtab.api.roles import OPERATOR, READER, TENANT_READER
from trimtab.api.services import KnowledgeDep, WebDep
from trimtab.infra.web import caller
from trimtab.infra.web.json_body import InvalidRequest
from trimtab.kernel.errors import ErrorKind
from trimtab.knowledge.records import SearchResult
from trimtab.knowledge.search import SearchRequest
from trimtab.knowledge.stats import KnowledgeStats
from trimtab.knowledge.validation import parse_query_list

router = APIRouter(prefix="/api/v1", tags=["knowledge"], route_class=ApiRoute)

_FOUND = TypeAdapter(SearchResult)


@dataclass(frozen=True, slots=True)
class WarmedBody:
    """Result of warming the cache."""

    asked: int
    skipped: int
    """Queries that could not be answered, because their project is gone or the model is down."""


@router.get("/stats", dependencies=[READER])
def stats(knowledge: KnowledgeDep) -> KnowledgeStats:
    """Return cache statistics and counts of stored items."""
    return knowledge.stats()


class WarmCache(BaseModel):
    """Queries to warm the cache with."""

    project: ProjectName = ""
    """Empty means all."""
    top: Annotated[int, Field(ge=1, le=100_000)] = 1000
    queries: Annotated[str, Field(max_length=5_000_000)] | None = None
    """One a line, with or without the counts of ``uniq -c``; without it the most frequent ones."""


@router.post("/cache/warm", dependencies=[OPERATOR])
def warm_cache(request: WarmCache, knowledge: KnowledgeDep) -> WarmedBody:
    """Warm the query cache and return how many queries were answered and skipped."""
    lines = parse_query_list(request.queries or "")
    if request.queries is not None and not lines:
        raise InvalidRequest("`queries` has no query.")
    done = knowledge.warm_cache(request.top, request.project, lines)
    return WarmedBody(done.asked, done.skipped)


@router.get(
    "/search/{project}",
    responses={**answers(200, SearchResult), **refuses(ErrorKind.NOT_FOUND)},
    dependencies=[TENANT_READER],
)
async def search(
    project: str,
    q: str,
    web: WebDep,
    knowledge: KnowledgeDep,
    request: Request,
    top_k: Annotated[int, Query()] = 10,
    offset: Annotated[int, Query()] = 0,
) -> Response:
    """Return the passages that answer the query, best first."""
    labels = caller(request).labels

    def work() -> Response:
        found = knowledge.search(project, q, top_k, offset=offset, labels=labels)
        return Response(_FOUND.dump_json(found), media_type="application/json")

    search_request = SearchRequest(top_k, offset, labels=labels)
    if knowledge.searcher.is_cached(project, q, search_request):
        return work()
    return await web.limiter.run(work)
