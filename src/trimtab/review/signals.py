"""Signals of the review domain."""

import math
from collections.abc import Callable, Iterable

from trimtab.kernel.operable import Sample, Signal
from trimtab.review.records import FEEDBACK_QUEUE, QueueFigures
from trimtab.review.service import Reviews


def signals(reviews: Reviews) -> tuple[Signal, ...]:
    """Return every signal of the domain."""
    return (*_queues(reviews), *_people(reviews), *_feedback(reviews))


def _queues(reviews: Reviews) -> Iterable[Signal]:
    def each(read: Callable[[QueueFigures], float]) -> Callable[[], Iterable[Sample]]:
        def samples() -> Iterable[Sample]:
            for figures in reviews.queue_figures():
                yield Sample(read(figures), {"queue": figures.queue})

        return samples

    def age(figures: QueueFigures) -> float:
        return reviews.age_seconds(figures.oldest_at)

    for name, unit, text, read, counter in (
        ("depth", "items", "Open items of a queue.", lambda f: float(f.depth), False),
        ("oldest_seconds", "seconds", "Age of the oldest open item; 0 without one.", age, False),
        ("added", "items", "Items ever added to a queue.", lambda f: float(f.added), True),
        ("finished", "items", "Items of a queue that are done.", lambda f: float(f.finished), True),
        (
            "processing_seconds",
            "seconds",
            "Median time from taking an item to submitting it, over the last 500.",
            lambda f: _or_nan(f.processing_seconds),
            False,
        ),
        (
            "response_seconds",
            "seconds",
            "Median time from queuing an item to its first judgement, over the last 500.",
            lambda f: _or_nan(f.response_seconds),
            False,
        ),
    ):
        metric = f"review_{name}_total" if counter else ""
        yield Signal(
            f"review.{name}", unit, text, each(read), ("queue",), metric=metric, counter=counter
        )


def _people(reviews: Reviews) -> Iterable[Signal]:
    def kappa() -> Iterable[Sample]:
        for agreement in reviews.agreement():
            names = " and ".join(agreement.annotators)
            yield Sample(_or_nan(agreement.kappa), {"annotators": names})

    yield Signal(
        "review.kappa",
        "1",
        "Cohen's kappa of two annotators over the items that both judged.",
        kappa,
        ("annotators",),
    )
    yield Signal(
        "review.annotators",
        "people",
        "People who judged an item in the last seven days.",
        lambda: (Sample(float(sum(each.annotations > 0 for each in reviews.annotators()))),),
    )
    yield Signal(
        "review.collected_seconds",
        "seconds",
        "Time since the queues were last filled without an error.",
        lambda: (Sample((reviews.clock.now() - reviews.collected_at).total_seconds()),),
    )
    yield Signal(
        "review.feedback_seconds",
        "seconds",
        "Time since feedback was last processed without an error.",
        lambda: (Sample((reviews.clock.now() - reviews.feedback_at).total_seconds()),),
    )
    yield Signal(
        "review.damaged",
        "items",
        "Review items that cannot be read; they are left out of the queues.",
        lambda: (Sample(float(reviews.damaged_items())),),
    )


def _feedback(reviews: Reviews) -> Iterable[Signal]:
    def outcomes() -> Iterable[Sample]:
        for outcome, count in reviews.feedback_outcomes().items():
            yield Sample(float(count), {"outcome": outcome})

    yield Signal(
        "review.feedback",
        "items",
        f"Feedback of the queue `{FEEDBACK_QUEUE}` by state, or by the reason of its refusal.",
        outcomes,
        ("outcome",),
    )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
