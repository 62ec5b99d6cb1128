"""Signals of the flywheel."""

import math
from collections.abc import Iterable
from statistics import median

from trimtab.evaluation.flywheel.service import Flywheel
from trimtab.kernel.operable import Sample, Signal


def signals(flywheel: Flywheel) -> tuple[Signal, ...]:
    """Return every signal of the flywheel."""

    def seconds() -> Iterable[Sample]:
        hours = flywheel.test_hours()
        yield Sample(median(hours) * 3600 if hours else math.nan)

    return (
        Signal(
            "evaluation.golden_cases",
            "cases",
            "Golden questions that annotations have made.",
            lambda: (Sample(float(len(flywheel.test_hours()))),),
        ),
        Signal(
            "evaluation.first_failure_to_test_seconds",
            "seconds",
            "Median time from the first failure of a kind to the golden question that tests it.",
            seconds,
        ),
    )
