"""Signals of the privacy domain."""

from collections.abc import Iterable

from trimtab.kernel.operable import Sample, Signal
from trimtab.privacy.erasure import Erasures, ErasureState


def signals(erasures: Erasures) -> tuple[Signal, ...]:
    """Return every signal of the domain; their names keep the prefix that rules know."""

    def counts() -> Iterable[Sample]:
        states = (ErasureState.RUNNING, ErasureState.FAILED)
        return [Sample(float(erasures.count(state)), {"state": state.value}) for state in states]

    return (
        Signal(
            "answers.erasures",
            "1",
            "Erasures of people's data that are running or have failed.",
            counts,
            labels=("state",),
        ),
    )
