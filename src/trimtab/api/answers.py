"""Questions and answers, their traces, and what people thought of them."""

import json
import logging
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, StringConstraints
from starlette.responses import Response

from trimtab.answers import Answer, Question
from trimtab.answers.records import Feedback
from trimtab.answers.streaming import Released
from trimtab.api.errors import InternalError, error_body
from trimtab.api.person import MOST, Person
from trimtab.api.roles import READER, REVIEWER
from trimtab.api.services import Caller, Here, Services
from trimtab.infra.web.steps import StepEvents, Steps
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.ids import new_id

_log = logging.getLogger(__name__)
router = APIRouter(tags=["answers"])


def _asker(request: Request, caller: Caller) -> dict[str, str]:
    return {"key": caller.name, "address": request.client.host if request.client else ""}


Asker = Annotated[dict[str, str], Depends(_asker)]
"""The key's name and the address; logged only when a question is blocked."""
_Said = Generator[Released | Answer, None, None]
UserId = Annotated[str, StringConstraints(max_length=MOST)]


class QueryRequest(BaseModel):
    """A question, as the contract words it; the pipeline checks it."""

    query: str
    project: str
    top_k: int = 5
    user_id: UserId = ""


class AnswerRequest(BaseModel):
    """A question."""

    question: str
    project: str
    top_k: int = 5
    user_id: UserId = ""
    """Who asks, to delete it on request; leave it out when nobody is signed in."""


class FeedbackRequest(BaseModel):
    """What somebody thought of an answer."""

    helpful: bool
    comment: Annotated[str, StringConstraints(max_length=2000)] = ""
    user_id: UserId = ""


@router.get("/api/v1/query/{project}", dependencies=[READER])
def query(
    project: str,
    q: str,
    here: Here,
    asker: Asker,
    top_k: Annotated[int, Query()] = 5,
    person: Person = "",
) -> dict[str, object]:
    """Answer a question from a project's documents."""
    return _given(here, Question(project, q, top_k, person), asker)


@router.post("/api/v1/query", dependencies=[READER])
def post_query(
    request: QueryRequest, here: Here, asker: Asker, person: Person = ""
) -> dict[str, object]:
    """Answer a question from a project's documents."""
    user = request.user_id or person
    return _given(here, Question(request.project, request.query, request.top_k, user), asker)


@router.post("/v1/answers", dependencies=[READER])
def answer(
    request: AnswerRequest, here: Here, asker: Asker, person: Person = ""
) -> dict[str, object]:
    """Answer a question from a project's documents, every sentence with its citation."""
    user = request.user_id or person
    return _given(here, Question(request.project, request.question, request.top_k, user), asker)


@router.post(
    "/v1/answers/stream",
    dependencies=[READER],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def stream(request: AnswerRequest, here: Here, asker: Asker, person: Person = "") -> Response:
    """Answer as server-sent events, each sentence as soon as its guards have let it pass.

    ``sentence`` holds `number`, `text` and `citations`; the last event is ``answer`` with the whole answer, its citations
    and `trace_id`, or ``error`` in the form of every error. What is refused before the first sentence is refused with its
    status, as without streaming. Whoever closes the connection stops the work; what was said is traced.
    """
    user = request.user_id or person
    said = here.answers.stream(Question(request.project, request.question, request.top_k, user))
    steps = Steps(_noted(said, asker))
    return StepEvents(await steps.next(), steps, _event, _failed)


@router.get("/v1/traces", dependencies=[REVIEWER])
def traces(
    here: Here, limit: Annotated[int, Query(ge=1, le=1000)] = 50, project: str | None = None
) -> dict[str, list[dict[str, object]]]:
    """List the newest traces first."""
    return {"traces": [asdict(trace) for trace in here.traces.recent(limit, project)]}


@router.get("/v1/traces/{trace_id}", dependencies=[READER])
def trace(trace_id: str, here: Here) -> dict[str, object]:
    """Return how an answer came about; whoever got the answer knows the id."""
    found = here.traces.find(trace_id)
    said = [asdict(feedback) for feedback in here.feedback.of_trace(trace_id)]
    return {**asdict(found), "duration_ms": round(found.duration_ms, 3), "feedback": said}


@router.post("/v1/traces/{trace_id}/feedback", status_code=201, dependencies=[READER])
def give_feedback(
    trace_id: str, request: FeedbackRequest, here: Here, person: Person = ""
) -> dict[str, str]:
    """Say whether an answer helped."""
    now, user = here.clock.now(), request.user_id or person
    given = Feedback(new_id("feedback", now), trace_id, user, now, request.helpful, request.comment)
    here.feedback.keep(given)
    return {"id": given.id}


def _event(item: Released | Answer) -> dict[str, str]:
    name = "answer" if isinstance(item, Answer) else "sentence"
    return {"event": name, "data": json.dumps(jsonable_encoder(item), ensure_ascii=False)}


def _failed(error: Exception) -> dict[str, str]:
    if not isinstance(error, TrimtabError):
        _log.error("stream failed", exc_info=error)
        error = InternalError("Something went wrong inside trimtab.")
    return {"event": "error", "data": json.dumps(error_body(error), ensure_ascii=False)}


def _given(here: Services, question: Question, asker: Mapping[str, str]) -> dict[str, object]:
    found: Answer = here.answers.answer(question)
    _note(found, asker)
    return asdict(found)


def _noted(said: _Said, asker: Mapping[str, str]) -> _Said:
    with closing(said):
        for item in said:
            if isinstance(item, Answer):
                _note(item, asker)
            yield item


def _note(found: Answer, asker: Mapping[str, str]) -> None:
    """Write down who asked what a guard stopped: an attacker's key can be revoked, an address shut out."""
    if found.blocked:
        _log.warning("question_blocked", extra={"trace_id": found.trace_id, **asker})
