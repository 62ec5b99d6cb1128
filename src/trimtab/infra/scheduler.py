"""Small duties that come round again and again: one thread, one failure never stops the others."""

from collections.abc import Callable
from dataclasses import dataclass

from trimtab.infra.background import PeriodicTask, Rounds, TaskState
from trimtab.kernel.clock import Clock

_LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do every so often. It must be short and safe to repeat."""

    name: str
    every_seconds: float
    do: Callable[[], object]


@dataclass(frozen=True, slots=True)
class _ChoreTask:
    chore: Chore
    rounds: Rounds

    @property
    def state(self) -> TaskState:
        return self.rounds.state(max(_LOOK_SECONDS, self.chore.every_seconds))


class Chores:
    """Does them one after another, each first at the start. For work that may be late but not lost, use `Jobs`."""

    def __init__(self, chores: tuple[Chore, ...], clock: Clock) -> None:
        self._chores = chores
        self._clock = clock
        self._due = dict.fromkeys((chore.name for chore in chores), 0.0)
        self.tasks = tuple(_ChoreTask(chore, Rounds(chore.name, clock)) for chore in chores)
        self._loop = PeriodicTask("chores", self.run_due, _LOOK_SECONDS, clock)

    def run_due(self) -> list[str]:
        """Do what is due now; return the names of what was done."""
        done = []
        for chore, task in zip(self._chores, self.tasks, strict=True):
            now = self._clock.monotonic()
            if now < self._due[chore.name]:
                continue
            self._due[chore.name] = now + chore.every_seconds
            if task.rounds.run(chore.do):
                done.append(chore.name)
        return done

    def start(self) -> None:
        """Begin."""
        for task in self.tasks:
            task.rounds.started()
        self._loop.start()

    def close(self) -> None:
        """Stop after the chore that is under way."""
        self._loop.close()
        for task in self.tasks:
            task.rounds.ended()
