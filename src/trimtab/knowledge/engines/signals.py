"""Signals of vector servers."""

from collections.abc import Callable, Iterable

from trimtab.kernel.drilling import LABEL, MARK
from trimtab.kernel.operable import Sample, Signal
from trimtab.knowledge.engines.guarded import GuardedEngine
from trimtab.knowledge.engines.registry import Engines


def signals(engines: Engines) -> tuple[Signal, ...]:
    """Return a signal with a sample for each server in use; none if all are embedded."""

    def of_each(value: Callable[[GuardedEngine], float]) -> Callable[[], Iterable[Sample]]:
        return lambda: [
            Sample(value(engine), {"engine": name}) for name, engine in engines.opened().items()
        ]

    def slowest() -> Iterable[Sample]:
        for drill in (False, True):
            mark = {LABEL: MARK} if drill else {}
            for name, engine in engines.opened().items():
                seconds = engine.durations.of(drill=drill).quantile(0.95)
                yield Sample(seconds, {"engine": name, **mark})

    def behind() -> Iterable[Sample]:
        for name, count in engines.behind().items():
            yield Sample(float(count), {"engine": name})

    return (
        Signal(
            "knowledge.engine.up",
            "1",
            "1 when the server of vectors takes calls, 0 when it is down.",
            of_each(lambda engine: float(engine.up)),
            labels=("engine",),
        ),
        Signal(
            "knowledge.engine.silent",
            "1",
            "1 when the last call got no reply in its time, 0 when it was answered or refused.",
            of_each(lambda engine: float(engine.silent)),
            labels=("engine",),
        ),
        Signal(
            "knowledge.engine.p95_seconds",
            "seconds",
            "95 % of the recent searches in the server of vectors took no longer.",
            slowest,
            labels=("engine", LABEL),
        ),
        Signal(
            "knowledge.engine.behind",
            "projects",
            "Projects of which the server of vectors does not show the present state yet.",
            behind,
            labels=("engine",),
        ),
    )
