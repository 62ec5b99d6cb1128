"""Stored answers as a source of review items, and as what annotators judge."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from trimtab.answers import Trace
from trimtab.answers.errors import TraceUnknown
from trimtab.answers.service import AnswerService
from trimtab.review.feedback import ReviewedAnswer
from trimtab.review.feedback_store import QueuedFeedback
from trimtab.review.records import ReviewCandidate

JudgedBlock = Callable[[str, bool], None]
"""Receives which texts a block was about (``questions`` or ``answers``), and if it was wrong."""


class StoredAnswers:
    """Reads traces, reviews and feedback of the answers domain; nothing runs in a request.

    Args:
        answers: Of the process.
        judged_block: Records people's opinions on blocks.
        low_grounding: Found answers grounded less than this are reviewed first.
        own_users: User ids of the service's own questions, which are not reviewed.
    """

    name = "answers"

    def __init__(
        self,
        answers: AnswerService,
        judged_block: JudgedBlock,
        low_grounding: float,
        own_users: frozenset[str] = frozenset(),
    ) -> None:
        self._answers = answers
        self._judged_block = judged_block
        self._low_grounding = low_grounding
        self._own_users = own_users

    def candidates(self, limit: int) -> Sequence[ReviewCandidate]:
        """Return the answers that a sampling rule chose and the queues have not taken."""
        chosen = self._answers.reviews.unqueued(limit)
        traces = self._answers.traces.existing([each.trace_id for each in chosen])
        found = []
        for item in chosen:
            trace = traces.get(item.trace_id)
            if trace is None or trace.drill or trace.user_id in self._own_users:
                continue
            source = "guard" if trace.answer.blocked else "answer"
            reason = self._reason(item.reason, trace)
            found.append(
                ReviewCandidate(
                    source, trace.id, reason, item.at, trace.answer.project, trace.user_id
                )
            )
        skipped = {each.trace_id for each in chosen} - {each.subject for each in found}
        if skipped:
            self.mark_queued(sorted(skipped))
        return found

    def mark_queued(self, subjects: Sequence[str]) -> None:
        """Note that the queues have taken the answers."""
        if subjects:
            self._answers.reviews.mark_queued(subjects)

    def find(self, trace_ids: Sequence[str]) -> Mapping[str, ReviewedAnswer]:
        """Return the answers of those traces that exist."""
        if not trace_ids:
            return {}
        found = self._answers.traces.existing(sorted(set(trace_ids)))
        return {key: reviewed_answer(trace) for key, trace in found.items()}

    def new_feedback(self, limit: int) -> Sequence[QueuedFeedback]:
        """Return feedback that the feedback queue has not taken."""
        return [
            QueuedFeedback(
                each.id,
                each.trace_id,
                each.user_id,
                each.helpful,
                each.comment,
                each.at.isoformat(),
            )
            for each in self._answers.feedback.unqueued(limit)
        ]

    def mark_feedback_queued(self, ids: Sequence[str]) -> None:
        """Note that the feedback queue has taken the feedback."""
        self._answers.feedback.mark_queued(ids)

    def mark_reviewed(self, trace_id: str, by: str, at: datetime) -> None:
        """Take the answer off the list of answers to review, if it is on it."""
        try:
            self._answers.reviews.mark_done(trace_id, by, at)
        except TraceUnknown:
            return

    def record_judged_block(self, answer: ReviewedAnswer, *, wrongly: bool) -> None:
        """Record a person's opinion on a block."""
        self._judged_block(answer.judged, wrongly)

    def _reason(self, reason: str, trace: Trace) -> str:
        answer = trace.answer
        if answer.found and not answer.blocked and trace.grounding < self._low_grounding:
            return "low_grounding"
        return reason


def reviewed_answer(trace: Trace) -> ReviewedAnswer:
    """Return what reviews need to know of a trace."""
    answer = trace.answer
    guards, judged = list[str](), "answers"
    for stage in trace.stages:
        verdicts = stage.facts.get("verdicts")
        if stage.outcome == "blocked" and isinstance(verdicts, Mapping):
            judged = "questions" if stage.name == "guard_question" else "answers"
            guards += [str(guard) for guard, decision in verdicts.items() if decision == "block"]
    return ReviewedAnswer(
        trace.id,
        answer.project,
        answer.question,
        answer.text,
        answer.found,
        answer.blocked,
        tuple(citation.quote for citation in answer.citations),
        tuple(dict.fromkeys(citation.document_name for citation in answer.citations)),
        tuple(guards),
        trace.user_id,
        judged,
    )
