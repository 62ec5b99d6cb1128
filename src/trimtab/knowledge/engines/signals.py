"""What can be measured about the servers of vectors."""

from collections.abc import Iterable

from trimtab.kernel.operable import Sample, Signal
from trimtab.knowledge.engines.engines import Engines


def signals(engines: Engines) -> tuple[Signal, ...]:
    """Return a signal with a sample for each server in use; none when every project is in the embedded engine."""

    def up() -> Iterable[Sample]:
        for name, engine in engines.opened().items():
            yield Sample(float(engine.up), {"engine": name})

    def seconds() -> Iterable[Sample]:
        for name, engine in engines.opened().items():
            yield Sample(engine.durations.quantile(0.95), {"engine": name})

    def behind() -> Iterable[Sample]:
        for name, count in engines.behind().items():
            yield Sample(float(count), {"engine": name})

    return (
        Signal(
            "knowledge.engine.up",
            "1",
            "1 when the server of vectors takes calls, 0 when it is down.",
            up,
            labels=("engine",),
        ),
        Signal(
            "knowledge.engine.p95_seconds",
            "seconds",
            "95 % of the recent searches in the server of vectors took no longer.",
            seconds,
            labels=("engine",),
        ),
        Signal(
            "knowledge.engine.behind",
            "projects",
            "Projects of which the server of vectors does not show the present state yet.",
            behind,
            labels=("engine",),
        ),
    )
