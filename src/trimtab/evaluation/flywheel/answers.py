"""Failures among the stored answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from trimtab.answers import Trace
from trimtab.answers.service import AnswerService
from trimtab.evaluation.flywheel.records import FailureRecord

WELL_GROUNDED = 0.85
"""Found answers grounded less than this count as hallucinations, as in the quality monitor."""
_UNSURE = 0.5


class FailedAnswers:
    """Finds the failures in traces and feedback.

    Args:
        answers: Of the process.
        own_users: User ids of the service's own questions.
    """

    def __init__(self, answers: AnswerService, own_users: frozenset[str] = frozenset()) -> None:
        self._answers = answers
        self._own_users = own_users

    def failures(self, since: datetime, until: datetime, limit: int) -> Sequence[FailureRecord]:
        """Return the newest failures of a time, oldest first."""
        disliked = self._answers.feedback.disliked_between(since, until)
        found = []
        for trace in self._answers.traces.between(since, until):
            kind = "unhelpful" if trace.id in disliked else failure_type(trace)
            if kind and not trace.drill and trace.user_id not in self._own_users:
                found.append(_record(trace, kind))
                if len(found) >= limit:
                    break
        return found[::-1]

    def find(self, trace_ids: Sequence[str]) -> Mapping[str, FailureRecord]:
        """Return those of the traces that still exist."""
        found: dict[str, FailureRecord] = {}
        for start in range(0, len(trace_ids), 500):
            part = self._answers.traces.existing(trace_ids[start : start + 500])
            found |= {key: _record(trace, failure_type(trace)) for key, trace in part.items()}
        return found


def failure_type(trace: Trace) -> str:
    """Return what the service noticed about an answer; empty when it did not fail."""
    answer = trace.answer
    rules = (
        ("blocked", answer.blocked),
        ("not_found", not answer.found and not answer.blocked),
        ("hallucination", answer.found and trace.grounding < WELL_GROUNDED),
        ("degraded", answer.degraded_mode),
        ("unsure", answer.found and answer.confidence < _UNSURE),
    )
    return next((name for name, applies in rules if applies), "")


def _record(trace: Trace, kind: str) -> FailureRecord:
    answer = trace.answer
    return FailureRecord(
        trace.id,
        answer.project,
        answer.question,
        kind,
        answer.created_at.isoformat(),
        trace.user_id,
        trace.labels,
    )
