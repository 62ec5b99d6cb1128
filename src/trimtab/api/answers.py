"""Questions and answers, their traces, and what people thought of them."""

import logging
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints, TypeAdapter
from starlette.responses import Response

from trimtab.answers import Answer, Question, Trace
from trimtab.answers.errors import TraceUnknown
from trimtab.answers.grounding import grounding_of
from trimtab.answers.records import Feedback
from trimtab.answers.streaming import Released
from trimtab.api.data_subject import Person, UserId
from trimtab.api.errors import InternalError, error_body, error_response
from trimtab.api.http.openapi import refuses, sends
from trimtab.api.http.routes import ApiRoute, answers
from trimtab.api.http.schemas import extended
from trimtab.api.http.sse import json_event
from trimtab.api.request_body import Body
from trimtab.api.roles import TENANT_READER, TENANT_REVIEWER
from trimtab.api.services import Caller, Here, Services
from trimtab.infra.auth import Principal
from trimtab.infra.web.steps import StepEvents, Steps
from trimtab.kernel.errors import ErrorKind, Forbidden, NotFound, TrimtabError
from trimtab.kernel.ids import new_id

_log = logging.getLogger(__name__)
router = APIRouter(tags=["answers"], route_class=ApiRoute)
_ANSWER = TypeAdapter(Answer)


@dataclass(frozen=True, slots=True)
class _Asking:
    """Who asks; logged only when a question is blocked."""

    principal: Principal
    address: str

    def facts(self) -> dict[str, str]:
        """Return the key's name and the address, for the log."""
        return {"key": self.principal.name, "address": self.address}


async def _asker(request: Request, caller: Caller) -> _Asking:
    return _Asking(caller, request.client.host if request.client else "")


Asker = Annotated[_Asking, Depends(_asker)]
_Said = Generator[Released | Answer, None, None]


@dataclass(frozen=True, slots=True)
class TraceList:
    """The newest traces first."""

    traces: tuple[Trace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceBody(Trace):
    """How an answer came about, and what was said about it."""

    duration_ms: float
    feedback: tuple[Feedback, ...]


@dataclass(frozen=True, slots=True)
class FeedbackKept:
    """The feedback that was kept."""

    id: str


class QueryRequest(Body):
    """A question, as the contract words it; the pipeline checks it."""

    query: str
    project: str
    top_k: int = 5
    user_id: UserId = ""


class AnswerRequest(Body):
    """A question."""

    question: str
    project: str
    top_k: int = 5
    user_id: UserId = ""
    """Who asks, to delete it on request; leave it out when nobody is signed in."""


class FeedbackRequest(Body):
    """What somebody thought of an answer."""

    helpful: bool
    comment: Annotated[str, StringConstraints(max_length=2000)] = ""
    user_id: UserId = ""


@router.get(
    "/api/v1/query/{project}",
    responses={**answers(200, Answer), **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL)},
    dependencies=[TENANT_READER],
)
async def query(
    project: str,
    q: str,
    services: Here,
    asker: Asker,
    top_k: Annotated[int, Query()] = 5,
    person: Person = "",
) -> Response:
    """Answer a question from a project's documents; `degraded_mode` is told also when there is no such project."""
    return await _queried(
        services, Question(project, q, top_k, person, asker.principal.labels), asker
    )


@router.post(
    "/api/v1/query",
    responses={**answers(200, Answer), **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL)},
    dependencies=[TENANT_READER],
)
async def post_query(
    request: QueryRequest, services: Here, asker: Asker, person: Person = ""
) -> Response:
    """Answer a question from a project's documents; `degraded_mode` is told also when there is no such project."""
    return await _queried(
        services, _question(request, request.query, asker.principal, person), asker
    )


@router.post(
    "/v1/answers",
    responses={**answers(200, Answer), **refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL)},
    dependencies=[TENANT_READER],
)
async def answer(
    request: AnswerRequest, services: Here, asker: Asker, person: Person = ""
) -> Response:
    """Answer a question from a project's documents, every sentence with its citation."""
    return await _given(
        services, _question(request, request.question, asker.principal, person), asker
    )


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
    request: AnswerRequest, services: Here, asker: Asker, person: Person = ""
) -> Response:
    """Answer as server-sent events, each sentence as soon as its guards have let it pass.

    ``sentence`` holds `number`, `text` and `citations`; the last event is ``answer`` with the whole answer, its citations
    and `trace_id`, or ``error`` in the form of every error. What is refused before the first sentence is refused with its
    status, as without streaming. Whoever closes the connection stops the work; what was said is traced.
    """
    said = services.answers.stream(_question(request, request.question, asker.principal, person))
    steps = Steps(_noted(said, asker), services.places)
    return StepEvents(await steps.first(), steps, _event, _failed)


@router.get("/v1/traces", dependencies=[TENANT_REVIEWER])
def traces(
    services: Here,
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
    found = _visible(services, principal, services.traces.recent(limit, project))
    if below < 1:
        found = [t for t in found if t.answer.found and grounding_of(t) < below]
    return TraceList(tuple(found))


@router.get(
    "/v1/traces/{trace_id}", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[TENANT_READER]
)
def trace(trace_id: str, services: Here, principal: Caller) -> TraceBody:
    """Return how an answer came about; whoever got the answer knows the id."""
    found = _own_trace(services, principal, trace_id)
    feedback = tuple(services.feedback.of_trace(trace_id))
    return extended(TraceBody, found, duration_ms=round(found.duration_ms, 3), feedback=feedback)


@router.post(
    "/v1/traces/{trace_id}/feedback",
    status_code=201,
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[TENANT_READER],
)
def give_feedback(
    trace_id: str, request: FeedbackRequest, services: Here, principal: Caller, person: Person = ""
) -> FeedbackKept:
    """Say whether an answer helped."""
    _own_trace(services, principal, trace_id)
    now, user = services.clock.now(), request.user_id or person
    given = Feedback(new_id("feedback", now), trace_id, user, now, request.helpful, request.comment)
    services.feedback.keep(given)
    return FeedbackKept(given.id)


def _question(
    request: QueryRequest | AnswerRequest, text: str, principal: Principal, person: str
) -> Question:
    principal.enter(request.project)
    return Question(
        request.project, text, request.top_k, request.user_id or person, principal.labels
    )


def _own_trace(services: Services, principal: Principal, trace_id: str) -> Trace:
    """Return the trace; one of another tenant's project is as unknown as one that never was."""
    found = services.traces.find(trace_id)
    if not principal.sees(found.answer.project) or not _visible(services, principal, [found]):
        raise TraceUnknown(f"There is no trace {trace_id!r}.")
    return found


def _visible(services: Services, principal: Principal, traces: Sequence[Trace]) -> list[Trace]:
    """Return the traces for which the caller has the labels that the asker used, and those that the sources have now."""
    mine = [trace for trace in traces if set(trace.labels) <= set(principal.labels)]
    hidden = services.knowledge.access.hidden(set().union(*map(_sources, mine)), principal.labels)
    return [trace for trace in mine if hidden.isdisjoint(_sources(trace))]


def _sources(trace: Trace) -> set[str]:
    return {citation.document_id for citation in trace.answer.citations}


def _event(item: Released | Answer) -> dict[str, str]:
    name = "answer" if isinstance(item, Answer) else "sentence"
    return json_event(name, item)


def _failed(error: Exception) -> dict[str, str]:
    if not isinstance(error, TrimtabError):
        _log.error("stream failed", exc_info=error)
        error = InternalError("Something went wrong inside trimtab.")
    return json_event("error", error_body(error))


async def _given(services: Services, question: Question, asker: _Asking) -> Response:
    def work() -> Response:
        found: Answer = services.answers.answer(question)
        _note(found, asker)
        return Response(_ANSWER.dump_json(found), media_type="application/json")

    return await services.places.run(work)


async def _queried(services: Services, question: Question, asker: _Asking) -> Response:
    try:
        return await _given(services, question, asker)
    except NotFound as error:
        # The operators' command reads `.degraded_mode` whatever project it names.
        up = services.knowledge.components()
        degraded = not (up["embedding_model"] and up["vector_store"])
        return error_response(error, degraded_mode=degraded)


def _noted(said: _Said, asker: _Asking) -> _Said:
    with closing(said):
        for item in said:
            if isinstance(item, Answer):
                _note(item, asker)
            yield item


def _note(found: Answer, asker: _Asking) -> None:
    """Write down who asked what a guard stopped: an attacker's key can be revoked, an address shut out."""
    if found.blocked:
        _log.warning("question_blocked", extra={"trace_id": found.trace_id, **asker.facts()})
