"""Outcome of an annotation: the state of its item, and what may be learnt."""

from trimtab.review.feedback import ReviewedAnswer
from trimtab.review.feedback_store import LearningCandidate
from trimtab.review.ports import AnnotationDraft
from trimtab.review.records import WRONGLY_BLOCKED, Annotation, ItemState, QueueItem


def state_after(item: QueueItem, given: Annotation) -> ItemState:
    """Return the state of an item after a further annotation."""
    if given.kind == "adjudication":
        return ItemState.DONE
    judged = [*item.annotations, given]
    if len(judged) < item.needed:
        return ItemState.WAITING
    agree = len({each.verdict for each in judged}) == 1
    return ItemState.DONE if agree else ItemState.ADJUDICATION


def is_same(stored: Annotation, annotator: str, draft: AnnotationDraft) -> bool:
    """Return whether the stored annotation is what the annotator submits again."""
    return stored.annotator == annotator and draft == AnnotationDraft(
        stored.verdict, stored.failure_type, stored.answer, stored.documents, stored.note
    )


def learnt_candidates(
    item: QueueItem, result: Annotation, answer: ReviewedAnswer
) -> list[LearningCandidate]:
    """Return the guard label or golden example that a finished review proposes."""
    if answer.blocked:
        wrongly = result.failure_type == WRONGLY_BLOCKED
        body: dict[str, object] = {"question": answer.question, "guards": answer.guards}
        kind, body = "guard_label", {**body, "wrongly_blocked": wrongly}
    elif result.answer:
        kind = "golden"
        body = {
            "project": answer.project,
            "question": answer.question,
            "answers": (result.answer,),
            "documents": result.documents,
        }
    else:
        return []
    return [LearningCandidate.of(kind, answer.trace_id, answer.owner, body, item.id, result.at)]
