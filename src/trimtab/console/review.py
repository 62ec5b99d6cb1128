"""Page on which a person judges one review item after the other, with the keyboard."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from trimtab.answers.errors import TraceUnknown
from trimtab.answers.service import AnswerService
from trimtab.answers.visibility import visible_trace
from trimtab.console.render import page
from trimtab.console.services import REVIEWER, AnswersDep, Caller, EnvDep, KnowledgeDep, ReviewsDep
from trimtab.infra.auth import Principal
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge import Knowledge
from trimtab.review import QueueItem, ReviewVerdict
from trimtab.review.ports import AnnotationDraft
from trimtab.review.records import FAILURE_TYPES, ReviewQueue

router = APIRouter(prefix="/console/review", route_class=GuardedRoute)
Queue = Annotated[str, Query(max_length=100)]


@router.get("", dependencies=[REVIEWER])
def review(
    request: Request,
    reviews: ReviewsDep,
    answers: AnswersDep,
    knowledge: KnowledgeDep,
    principal: Caller,
    queue: Queue = "",
    message: Annotated[str, Query(max_length=300)] = "",
) -> HTMLResponse:
    """Show the queues and the item that the caller holds; it takes none by itself."""
    held = reviews.items.held_by(principal.name, reviews.clock.now())
    sees = _Visible(answers, knowledge, principal)
    item = next((each for each in held if sees(each)), None)
    trace = answers.traces.existing([item.subject]).get(item.subject) if item else None
    values = {
        "queues": reviews.queue_figures(),
        "agreement": reviews.agreement(),
        "annotators": reviews.annotators(),
        "item": item,
        "trace": trace,
        "failure_types": FAILURE_TYPES,
        "names": [*map(str, ReviewQueue)],
        "queue": queue,
        "message": message,
    }
    return page(request, "review.html", values)


@router.post("/next", dependencies=[REVIEWER])
def take(
    reviews: ReviewsDep,
    answers: AnswersDep,
    knowledge: KnowledgeDep,
    principal: Caller,
    queue: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Take the most urgent item that is free."""
    found = reviews.next(principal.name, queue, _Visible(answers, knowledge, principal))
    return _back(queue, "" if found else "Nothing waits for you in this queue.")


@router.post("/{item_id}/submit", dependencies=[REVIEWER])
def submit(
    item_id: str,
    env: EnvDep,
    reviews: ReviewsDep,
    principal: Caller,
    answers: AnswersDep,
    knowledge: KnowledgeDep,
    verdict: Annotated[ReviewVerdict, Form()],
    failure_type: Annotated[str, Form(max_length=60)] = "",
    answer: Annotated[str, Form(max_length=4000)] = "",
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Store the judgement and take the next item."""
    failure = "" if verdict is ReviewVerdict.GOOD else failure_type
    draft = AnnotationDraft(verdict, failure, answer.strip(), (), note.strip())
    try:
        done = reviews.submit(item_id, principal.name, draft)
    except TrimtabError as error:
        return _back("", f"{error.message} {error.hint()}")
    env.audit.append(principal.name, "review.submitted", done.id, {"verdict": verdict})
    reviews.next(principal.name, "", _Visible(answers, knowledge, principal))
    return _back("", "Stored.")


@router.post("/{item_id}/skip", dependencies=[REVIEWER])
def skip(item_id: str, reviews: ReviewsDep, principal: Caller) -> Response:
    """Hand the item back and do not show it to the caller again."""
    try:
        reviews.skip(item_id, principal.name, "skipped in the console")
    except TrimtabError as error:
        return _back("", f"{error.message} {error.hint()}")
    return _back("", "Skipped; others still see it.")


class _Visible:
    """Decides whether the caller may see an item's answer."""

    def __init__(self, answers: AnswerService, knowledge: Knowledge, principal: Principal) -> None:
        self._answers = answers
        self._knowledge = knowledge
        self._principal = principal

    def __call__(self, item: QueueItem) -> bool:
        if item.source in ("gate", "model"):
            return True
        hidden_from = self._knowledge.documents.hidden_from
        try:
            visible_trace(self._answers.traces, item.subject, self._principal, hidden_from)
        except TraceUnknown:
            return False
        return True


def _back(queue: str, message: str) -> Response:
    query = urlencode(
        {name: value for name, value in (("queue", queue), ("message", message)) if value}
    )
    target = f"/console/review?{query}" if query else "/console/review"
    return RedirectResponse(target, HTTPStatus.SEE_OTHER)
