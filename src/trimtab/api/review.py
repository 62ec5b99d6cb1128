"""Routes of the review queues, annotations, archives and candidates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints

from trimtab.answers import Trace
from trimtab.answers.errors import TraceUnknown
from trimtab.answers.service import AnswerService
from trimtab.answers.visibility import visible_trace
from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR, REVIEWER
from trimtab.api.services import AnswersDep, Caller, EnvDep, KnowledgeDep, ReviewsDep
from trimtab.infra.auth import Principal, Role
from trimtab.kernel.errors import ErrorKind, Forbidden
from trimtab.knowledge import Knowledge
from trimtab.review import QueueItem, ReviewVerdict
from trimtab.review.agreement import Agreement
from trimtab.review.answers import reviewed_answer
from trimtab.review.errors import ReviewItemUnknown
from trimtab.review.feedback_store import CandidateState, LearningCandidate
from trimtab.review.ports import AnnotationDraft
from trimtab.review.records import AnnotatorFigures, Archive, QueueFigures

router = APIRouter(prefix="/v1/review", tags=["review"], route_class=ApiRoute)

Name = Annotated[str, StringConstraints(max_length=200)]
_CHANGES = refuses(
    ErrorKind.INVALID, ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL
)


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """The stored answer that an item is about."""

    question: str
    answer: str
    found: bool
    blocked: bool
    quotes: tuple[str, ...]
    documents: tuple[str, ...]
    guards: tuple[str, ...]
    """The guards that blocked it."""


@dataclass(frozen=True, slots=True)
class ReviewItemBody:
    """A review item; people who have not judged it yet do not see others' judgements."""

    id: str
    queue: str
    source: str
    trace_id: str
    """The answer's trace; for gates and models, what they name."""
    reason: str
    project: str
    text: str
    state: str
    needed: int
    judged: int
    """How many people have judged it."""
    lease_by: str
    lease_until: str
    added_at: str
    verdict: str
    """The verdict that counts; empty while it is open."""
    failure_type: str
    context: ReviewContext | None
    """Null where the item is not about an answer."""


@dataclass(frozen=True, slots=True)
class NextItem:
    """The next item, leased to the annotator; null when none is free."""

    item: ReviewItemBody | None


@dataclass(frozen=True, slots=True)
class ReviewItems:
    """Open items, most urgent first."""

    items: tuple[ReviewItemBody, ...]


@dataclass(frozen=True, slots=True)
class ReviewState:
    """The queues and who works on them."""

    queues: tuple[QueueFigures, ...]
    agreement: tuple[Agreement, ...]
    annotators: tuple[AnnotatorFigures, ...]
    """Of the last seven days."""
    feedback: Mapping[str, int]
    """By state, or by the reason of refusal."""


@dataclass(frozen=True, slots=True)
class Archives:
    """Cleared queues, newest first."""

    archives: tuple[Archive, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """Number of items that wait again."""

    items: int


@dataclass(frozen=True, slots=True)
class CandidateList:
    """Candidates in one state, oldest first."""

    candidates: tuple[LearningCandidate, ...]


class TakeRequest(BaseModel):
    """The annotator, and the item to take."""

    queue: Name = ""
    item: Name = ""
    """An item or trace; empty takes the most urgent one."""
    annotator: Name = ""
    """Another person than the key's; only an admin names one."""


class AnnotationRequest(BaseModel):
    """One person's judgement."""

    verdict: ReviewVerdict
    failure_type: Annotated[str, StringConstraints(max_length=60)] = ""
    answer: Annotated[str, StringConstraints(max_length=4000)] = ""
    documents: list[Annotated[str, StringConstraints(max_length=300)]] = []
    note: Annotated[str, StringConstraints(max_length=2000)] = ""
    annotator: Name = ""


class SkipRequest(BaseModel):
    """Why an annotator does not judge an item."""

    reason: Annotated[str, StringConstraints(max_length=500)] = ""
    annotator: Name = ""


class DecisionRequest(BaseModel):
    """A person's decision about a candidate."""

    approve: bool


@router.get("", dependencies=[REVIEWER])
def state(reviews: ReviewsDep) -> ReviewState:
    """Return depth, age and rates of each queue, agreement and participation."""
    return ReviewState(
        reviews.queue_figures(),
        reviews.agreement(),
        reviews.annotators(),
        reviews.feedback_outcomes(),
    )


@router.get("/items", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[REVIEWER])
def items(
    reviews: ReviewsDep,
    answers: AnswersDep,
    knowledge: KnowledgeDep,
    principal: Caller,
    queue: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> ReviewItems:
    """List open items that the caller may see, most urgent first."""
    reader = ItemReader(answers, knowledge, principal)
    reviews.check_queue(queue)
    found = (reader.body(item) for item in reviews.items.open_items(queue, limit))
    return ReviewItems(tuple(body for body in found if body is not None))


@router.post("/next", responses=_CHANGES, dependencies=[REVIEWER])
def take(
    request: TakeRequest,
    reviews: ReviewsDep,
    answers: AnswersDep,
    knowledge: KnowledgeDep,
    principal: Caller,
) -> NextItem:
    """Lease the most urgent item, or the one named, to the annotator.

    It is shown to no one else until it is submitted, skipped, handed back or the lease ends.
    """
    annotator = annotator_of(principal, request.annotator)
    reader = ItemReader(answers, knowledge, principal)
    if request.item:
        reader.require(reviews.find(request.item))
        return NextItem(reader.body(reviews.take(request.item, annotator)))
    found = reviews.next(annotator, request.queue, lambda item: reader.body(item) is not None)
    return NextItem(reader.body(found) if found else None)


@router.get("/items/{item_id}", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[REVIEWER])
def item(
    item_id: str,
    reviews: ReviewsDep,
    answers: AnswersDep,
    knowledge: KnowledgeDep,
    principal: Caller,
) -> ReviewItemBody:
    """Return one item by its id or its trace."""
    return ItemReader(answers, knowledge, principal).require(reviews.find(item_id))


@router.post("/items/{item_id}/submit", responses=_CHANGES, dependencies=[REVIEWER])
def submit(
    item_id: str,
    request: AnnotationRequest,
    env: EnvDep,
    reviews: ReviewsDep,
    answers: AnswersDep,
    knowledge: KnowledgeDep,
    principal: Caller,
) -> ReviewItemBody:
    """Store the judgement of an item that the annotator holds."""
    reader = ItemReader(answers, knowledge, principal)
    reader.require(reviews.find(item_id))
    annotator = annotator_of(principal, request.annotator)
    draft = AnnotationDraft(
        request.verdict,
        request.failure_type,
        request.answer,
        tuple(request.documents),
        request.note,
    )
    done = reviews.submit(item_id, annotator, draft)
    env.audit.append(annotator, "review.submitted", done.id, {"verdict": request.verdict})
    return reader.require(done)


@router.post("/items/{item_id}/skip", status_code=204, responses=_CHANGES, dependencies=[REVIEWER])
def skip(item_id: str, request: SkipRequest, reviews: ReviewsDep, principal: Caller) -> None:
    """Hand an item back and do not show it to this annotator again."""
    reviews.skip(item_id, annotator_of(principal, request.annotator), request.reason)


@router.post(
    "/items/{item_id}/return", status_code=204, responses=_CHANGES, dependencies=[REVIEWER]
)
def hand_back(item_id: str, request: SkipRequest, reviews: ReviewsDep, principal: Caller) -> None:
    """Hand an item back; it is free at once."""
    reviews.hand_back(item_id, annotator_of(principal, request.annotator))


@router.post("/queues/{queue}/clear", responses=_CHANGES, dependencies=[OPERATOR])
def clear(queue: str, env: EnvDep, reviews: ReviewsDep, principal: Caller) -> Archive:
    """Archive all open items of a queue, also of `feedback_queue`; they can be restored."""
    archive = reviews.clear(queue, principal.name)
    facts = {"queue": queue, "items": archive.items}
    env.audit.append(principal.name, "review.queue_cleared", archive.id, facts)
    return archive


@router.get("/archives", dependencies=[REVIEWER])
def archives(reviews: ReviewsDep) -> Archives:
    """List the archives of cleared queues, newest first."""
    return Archives(tuple(reviews.archives.list()))


@router.post("/archives/{archive_id}/restore", responses=_CHANGES, dependencies=[OPERATOR])
def restore(archive_id: str, env: EnvDep, reviews: ReviewsDep, principal: Caller) -> Restored:
    """Queue the items of an archive again."""
    count = reviews.restore(archive_id)
    env.audit.append(principal.name, "review.queue_restored", archive_id, {"items": count})
    return Restored(count)


@router.get("/candidates", dependencies=[REVIEWER])
def candidates(
    reviews: ReviewsDep,
    state: CandidateState = CandidateState.PROPOSED,
    kind: Annotated[str, Query(max_length=20)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> CandidateList:
    """List golden examples, guard labels and training rows that feedback and reviews propose."""
    return CandidateList(tuple(reviews.feedback.candidates(state, kind, limit)))


@router.post(
    "/candidates/{candidate_id}/decide",
    status_code=204,
    responses=_CHANGES,
    dependencies=[REVIEWER],
)
def decide(
    candidate_id: str,
    request: DecisionRequest,
    env: EnvDep,
    reviews: ReviewsDep,
    principal: Caller,
) -> None:
    """Approve or reject a candidate; nothing is learnt without this."""
    reviews.decide(candidate_id, approve=request.approve, by=principal.name)
    action = "review.candidate_approved" if request.approve else "review.candidate_rejected"
    env.audit.append(principal.name, action, candidate_id, {})


def annotator_of(principal: Principal, name: str) -> str:
    """Return who annotates: the caller, or the person whom an admin names."""
    if name and name != principal.name and principal.role is not Role.ADMIN:
        raise Forbidden(
            "Only an admin annotates for another person.", hint="Leave the annotator out."
        )
    return name or principal.name


class ItemReader:
    """Makes the bodies of the items that a caller may see.

    Args:
        answers: The stored answers.
        knowledge: Knows which documents are hidden from whom.
        principal: The caller.
    """

    def __init__(self, answers: AnswerService, knowledge: Knowledge, principal: Principal) -> None:
        self._answers = answers
        self._knowledge = knowledge
        self._principal = principal

    def require(self, item: QueueItem) -> ReviewItemBody:
        """Return the item's body, or raise `ReviewItemUnknown` if its answer is gone or hidden."""
        body = self.body(item)
        if body is None:
            raise ReviewItemUnknown(f"The answer {item.subject!r} was erased or has expired.")
        return body

    def body(self, item: QueueItem) -> ReviewItemBody | None:
        """Return the item's body; None when its answer is gone or hidden from the caller."""
        context = None
        if item.source not in ("gate", "model"):
            trace = self._trace(item.subject)
            if trace is None:
                return None
            context = _context(trace)
        result = item.result
        return ReviewItemBody(
            item.id,
            item.queue,
            item.source,
            item.subject,
            item.reason,
            item.project,
            item.text,
            item.state,
            item.needed,
            len(item.annotations),
            item.lease_by,
            item.lease_until,
            item.added_at,
            result.verdict if result else "",
            result.failure_type if result else "",
            context,
        )

    def _trace(self, trace_id: str) -> Trace | None:
        hidden_from = self._knowledge.documents.hidden_from
        try:
            return visible_trace(self._answers.traces, trace_id, self._principal, hidden_from)
        except TraceUnknown:
            return None


def _context(trace: Trace) -> ReviewContext:
    known = reviewed_answer(trace)
    return ReviewContext(
        known.question,
        known.text,
        known.found,
        known.blocked,
        known.quotes,
        known.documents,
        known.guards,
    )
