"""The unit of composition: one domain's service and everything it publishes."""

from collections.abc import Callable
from dataclasses import dataclass

from trimtab.kernel.health import Probe
from trimtab.kernel.operable import Action, Fault, Signal
from trimtab.kernel.personal_data import Erasable
from trimtab.kernel.tasks import ScheduledTask, Task


@dataclass(frozen=True, slots=True)
class Module:
    """A built domain. The composition root starts its modules in order and closes them in reverse.

    Attributes:
        name: Of the domain; unique in the process.
        service: The domain's facade; other modules receive it by its type.
        signals: What can be measured.
        actions: What can be done.
        faults: How it can be broken, for drills only.
        personal_data: What it keeps about people, in the order in which it must be erased.
        health: Components of ``/health`` and their probes.
        tasks: Its background threads, for the metrics of background tasks.
        scheduled: Short work that the one scheduler of the process runs at intervals.
        start: Called in order when the process starts. What raises here ends the start.
        close: Called in order when the process ends, also when it was never started.
    """

    name: str
    service: object
    signals: tuple[Signal, ...] = ()
    actions: tuple[Action, ...] = ()
    faults: tuple[Fault, ...] = ()
    personal_data: tuple[Erasable, ...] = ()
    health: tuple[tuple[str, Probe], ...] = ()
    tasks: tuple[Task, ...] = ()
    scheduled: tuple[ScheduledTask, ...] = ()
    start: tuple[Callable[[], object], ...] = ()
    close: tuple[Callable[[], object], ...] = ()
