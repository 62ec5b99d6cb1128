"""Review queues on a database of their own, over answers that are held in memory."""

from dataclasses import replace
from datetime import timedelta

from tests.databases import open_at
from trimtab.infra.settings.sections.review import ReviewSettings
from trimtab.review import ReviewCandidate, Reviews, ReviewVerdict
from trimtab.review.feedback import ReviewedAnswer
from trimtab.review.feedback_store import QueuedFeedback
from trimtab.review.ports import AnnotationDraft
from trimtab.testing.clock import FakeClock

GOOD = AnnotationDraft(ReviewVerdict.GOOD)
BAD = AnnotationDraft(ReviewVerdict.BAD, "hallucination", "The cache holds 100.", ("cache.md",))
WRONGLY_BLOCKED = AnnotationDraft(ReviewVerdict.BAD, "wrongly_blocked")
_ANSWER = ReviewedAnswer(
    trace_id="",
    project="manual",
    question="How large is it?",
    text="It holds 100.",
    found=True,
    blocked=False,
    quotes=("It holds 100.",),
    documents=("cache.md",),
    guards=(),
    owner="ann",
)


class MemoryAnswers:
    """Answers, feedback and people's opinions in memory."""

    def __init__(self):
        self.answers, self.new, self.judged, self.reviewed = {}, [], [], []

    def put(self, trace_id, **facts):
        self.answers[trace_id] = replace(_ANSWER, trace_id=trace_id, **facts)

    def say(self, number, trace_id, user="bob", helpful=True, at=None, comment=""):
        at = at or FakeClock().now() + timedelta(minutes=number)
        given = QueuedFeedback(f"f{number:05}", trace_id, user, helpful, comment, at.isoformat())
        self.new.append(given)

    def find(self, trace_ids):
        return {key: self.answers[key] for key in trace_ids if key in self.answers}

    def new_feedback(self, limit):
        return self.new[:limit]

    def mark_feedback_queued(self, ids):
        self.new = [each for each in self.new if each.id not in ids]

    def mark_reviewed(self, trace_id, by, at):
        self.reviewed.append((trace_id, by))

    def record_judged_block(self, answer, *, wrongly):
        self.judged.append((answer.judged, wrongly))


class Source:
    """Gives its candidates until they are queued."""

    name = "source"

    def __init__(self, *candidates):
        self.waiting = list(candidates)

    def candidates(self, limit):
        return self.waiting[:limit]

    def mark_queued(self, subjects):
        self.waiting = [each for each in self.waiting if each.subject not in subjects]


def candidate(subject, reason="low_confidence", source="answer", owner="ann"):
    return ReviewCandidate(source, subject, reason, "2026-03-14T08:00:00+00:00", "manual", owner)


class ReviewWorld:
    """Attributes are the parts; `reviews` is what is under test."""

    def __init__(self, folder, *sources, clock=None, **settings):
        self.clock = clock or FakeClock()
        self.database = open_at(folder / "review.db", ("review",))
        self.answers = MemoryAnswers()
        self.settings = ReviewSettings(**settings)
        self.reviews = Reviews(self.database, self.answers, sources, self.settings, self.clock)

    def queue(self, *subjects, reason="low_confidence", **facts):
        for subject in subjects:
            self.answers.put(subject, **facts)
        source = "guard" if facts.get("blocked") else "answer"
        self.reviews.enqueue([candidate(each, reason, source) for each in subjects])

    def judge(self, subject, annotator, draft):
        self.reviews.take(subject, annotator)
        return self.reviews.submit(subject, annotator, draft)

    def depth(self, queue):
        return next(each.depth for each in self.reviews.queue_figures() if each.queue == queue)

    def close(self):
        self.database.close()
