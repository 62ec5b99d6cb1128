"""Signals of retraining."""

from collections import Counter
from collections.abc import Callable, Iterable

from trimtab.kernel.operable import Sample, Signal
from trimtab.models.retraining.records import Retraining, RetrainingState
from trimtab.models.retraining.service import SCHEDULED, Retrainings


def signals(retrainings: Retrainings) -> tuple[Signal, ...]:
    """Return every signal of retraining, each with the label ``model``."""

    def count(chosen: Callable[[Retraining], bool]) -> Iterable[Sample]:
        found = Counter(each.model for each in retrainings.open() if chosen(each))
        for model in retrainings.trainable():
            yield Sample(found[model], {"model": model})

    return (
        Signal(
            "models.retraining.scheduled",
            "jobs",
            "Scheduled retrainings that are not finished.",
            lambda: count(lambda each: each.reason == SCHEDULED),
            labels=("model",),
        ),
        Signal(
            "models.retraining.waiting",
            "jobs",
            "Retrained candidates that wait for the approval of a person.",
            lambda: count(lambda each: each.state is RetrainingState.WAITING),
            labels=("model",),
        ),
    )
