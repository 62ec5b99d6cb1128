"""Questions and answers, their traces, and what people thought of them."""

import logging
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, StringConstraints, TypeAdapter
from starlette.responses import Response

from trimtab.answers import Answer, Question, Trace
from trimtab.answers.records import Feedback
from trimtab.answers.service import AnswerService
from trimtab.answers.streaming import Released
from trimtab.answers.visibility import visible_trace, visible_traces
from trimtab.api.data_subject import Person, UserId
from trimtab.api.errors import InternalError, error_body, error_response
from trimtab.api.http.openapi import refuses, sends
from trimtab.api.http.routes import ApiRoute, answers
from trimtab.api.http.schemas import extended
from trimtab.api.http.sse import json_event
from trimtab.api.http.texts import ProjectName, QuestionText
from trimtab.api.roles import TENANT_READER, TENANT_REVIEWER
from trimtab.api.services import AnswersDep, Caller, EnvDep, KnowledgeDep, WebDep
from trimtab.infra.auth import Principal
from trimtab.infra.web.blocking_stream import BlockingStream, BlockingStreamResponse
from trimtab.infra.web.module import Web
from trimtab.kernel.errors import ErrorKind, Forbidden, NotFound, TrimtabError
from trimtab.kernel.ids import new_id
from trimtab.knowledge import Knowledge

_log = logging.getLogger(__name__)
router = APIRouter(tags=["answers"], route_class=ApiRoute)
_ANSWER = TypeAdapter(Answer)


_Events = Generator[Released | Answer, None, None]


@dataclass(frozen=True, slots=True)
class TraceList:
    """The newest traces first."""

    traces: tuple[Trace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceBody(Trace):
    """The trace of an answer, with the feedback about it."""

    duration_ms: float
    feedback: tuple[Feedback, ...]


@dataclass(frozen=True, slots=True)
class FeedbackKept:
    """The feedback that was kept."""

    id: str


class QueryRequest(BaseModel):
    """A question, as the contract words it; the pipeline checks it."""

    query: QuestionText
    project: ProjectName
    top_k: int = 5
    user_id: UserId = ""


class AnswerRequest(BaseModel):
    """A question about a project's documents."""

    question: QuestionText
    project: ProjectName
    top_k: int = 5
    user_id: UserId = ""
    """User id for later erasure; leave it out when no user is signed in."""


class FeedbackRequest(BaseModel):
    """Feedback of a user about an answer."""

    helpful: bool
    comment: Annotated[str, StringConstraints(max_length=2000)] = ""
    reason: Literal["", "slow"] = ""
    """``slow`` when the answer took too long."""
    user_id: UserId = ""


@router.get(
    "/api/v1/query/{project}",
    responses={**answers(200, Answer), **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL)},
    dependencies=[TENANT_READER],
)
async def query(
    project: str,
    q: str,
    request: Request,
    web: WebDep,
    knowledge: KnowledgeDep,
    answers: AnswersDep,
    principal: Caller,
    top_k: Annotated[int, Query()] = 5,
    person: Person = "",
) -> Response:
    """Answer a question from a project's documents.

    If the project does not exist, the error also has `degraded_mode`.
    """
    question = Question(project, q, top_k, person, principal.labels)
    return await _answer_query(web, knowledge, answers, question, AnswerCaller(request, principal))


@router.post(
    "/api/v1/query",
    responses={**answers(200, Answer), **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL)},
    dependencies=[TENANT_READER],
)
async def post_query(
    body: QueryRequest,
    request: Request,
    web: WebDep,
    knowledge: KnowledgeDep,
    answers: AnswersDep,
    principal: Caller,
    person: Person = "",
) -> Response:
    """Answer a question from a project's documents.

    If the project does not exist, the error also has `degraded_mode`.
    """
    question = _question(body, body.query, principal, person)
    return await _answer_query(web, knowledge, answers, question, AnswerCaller(request, principal))


@router.post(
    "/v1/answers",
    responses={**answers(200, Answer), **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL)},
    dependencies=[TENANT_READER],
)
async def answer(
    body: AnswerRequest,
    request: Request,
    web: WebDep,
    answers: AnswersDep,
    principal: Caller,
    person: Person = "",
) -> Response:
    """Answer a question from a project's documents, every sentence with its citation."""
    question = _question(body, body.question, principal, person)
    found = await web.limiter.run(partial(answers.answer, question))
    return _response(found, AnswerCaller(request, principal))


@router.post(
    "/v1/answers/stream",
    dependencies=[TENANT_READER],
    response_class=StreamingResponse,
    responses={
        **sends("text/event-stream"),
        **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    },
)
async def stream(
    body: AnswerRequest,
    request: Request,
    web: WebDep,
    answers: AnswersDep,
    principal: Caller,
    person: Person = "",
) -> Response:
    """Stream an answer as server-sent events, each sentence when it has passed the guards.

    ``sentence`` has `number`, `text` and `citations`. The last event is ``answer`` with the whole
    answer and its `trace_id`, or ``error`` in the format of every error. A question that is refused
    before the first sentence gets the error's status, as without streaming. Closing the connection
    stops the work; the sentences sent so far are traced.
    """
    events = answers.stream(_question(body, body.question, principal, person))
    logged = log_blocked_events(events, AnswerCaller(request, principal))
    stream = BlockingStream(logged, web.limiter)
    return BlockingStreamResponse(await stream.first(), stream, _event, _failed)


@router.get("/v1/traces", dependencies=[TENANT_REVIEWER])
def traces(
    knowledge: KnowledgeDep,
    answers: AnswersDep,
    principal: Caller,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    project: str | None = None,
    below: Annotated[float, Query(ge=0, le=1, description="A grounding score.")] = 1.0,
) -> TraceList:
    """List the newest traces first, of one project or of all; a key for some projects names one.

    ``below`` keeps found answers that are supported less than that.
    """
    if project is None and principal.projects is not None:
        raise Forbidden("Name the project.", hint="Add ?project= with one of the key's projects.")
    recent, hidden_from = answers.traces.recent(limit, project), knowledge.documents.hidden_from
    found = visible_traces(recent, principal.labels, hidden_from)
    if below < 1:
        found = [t for t in found if t.answer.found and t.grounding < below]
    return TraceList(tuple(found))


@router.get(
    "/v1/traces/{trace_id}", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[TENANT_READER]
)
def trace(
    trace_id: str, knowledge: KnowledgeDep, answers: AnswersDep, principal: Caller
) -> TraceBody:
    """Return the trace of an answer; the caller got its id with the answer."""
    found = _own_trace(knowledge, answers, principal, trace_id)
    feedback = tuple(answers.feedback.of_trace(trace_id))
    return extended(TraceBody, found, duration_ms=round(found.duration_ms, 3), feedback=feedback)


@router.post(
    "/v1/traces/{trace_id}/feedback",
    status_code=201,
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[TENANT_READER],
)
def give_feedback(
    trace_id: str,
    request: FeedbackRequest,
    env: EnvDep,
    knowledge: KnowledgeDep,
    answers: AnswersDep,
    principal: Caller,
    person: Person = "",
) -> FeedbackKept:
    """Store feedback about an answer."""
    _own_trace(knowledge, answers, principal, trace_id)
    now, user = env.clock.now(), request.user_id or person
    given = Feedback(
        new_id("feedback", now),
        trace_id,
        user,
        now,
        request.helpful,
        request.comment,
        request.reason,
    )
    answers.feedback.keep(given)
    return FeedbackKept(given.id)


@dataclass(frozen=True, slots=True)
class AnswerCaller:
    """Request and principal of a question; logged only if it is blocked."""

    request: Request
    principal: Principal


def _question(
    body: QueryRequest | AnswerRequest, text: str, principal: Principal, person: str
) -> Question:
    principal.enter(body.project)
    return Question(body.project, text, body.top_k, body.user_id or person, principal.labels)


def _own_trace(
    knowledge: Knowledge, answers: AnswerService, principal: Principal, trace_id: str
) -> Trace:
    """Return the trace; one of another tenant's project counts as unknown."""
    return visible_trace(answers.traces, trace_id, principal, knowledge.documents.hidden_from)


def _event(item: Released | Answer) -> dict[str, str]:
    name = "answer" if isinstance(item, Answer) else "sentence"
    return json_event(name, item)


def _failed(error: Exception) -> dict[str, str]:
    if not isinstance(error, TrimtabError):
        _log.error("stream failed", exc_info=error)
        error = InternalError("An unexpected error occurred inside trimtab.")
    return json_event("error", error_body(error))


def _response(found: Answer, caller: AnswerCaller) -> Response:
    if found.blocked:
        log_blocked(found, caller)
    return Response(_ANSWER.dump_json(found), media_type="application/json")


async def _answer_query(
    web: Web, knowledge: Knowledge, answers: AnswerService, question: Question, caller: AnswerCaller
) -> Response:
    try:
        found = await web.limiter.run(partial(answers.answer, question))
    except NotFound as error:
        # The operators' command reads `.degraded_mode` whatever project it names.
        up = knowledge.components()
        degraded = not (up["embedding_model"] and up["vector_store"])
        return error_response(error, degraded_mode=degraded)
    return _response(found, caller)


def log_blocked_events(events: _Events, caller: AnswerCaller) -> _Events:
    """Yield the events of a stream, and log the caller when the answer is blocked."""
    with closing(events):
        for item in events:
            if isinstance(item, Answer) and item.blocked:
                log_blocked(item, caller)
            yield item


def log_blocked(found: Answer, caller: AnswerCaller) -> None:
    """Log the caller of a blocked question, so that a key can be revoked or an address blocked."""
    client = caller.request.client
    facts = {"key": caller.principal.name, "address": client.host if client else ""}
    _log.warning("question_blocked", extra={"trace_id": found.trace_id, **facts})
