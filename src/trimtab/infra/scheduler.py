"""In-process scheduler of short periodic tasks in one thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trimtab.infra.background import PeriodicTask, TaskRunner
from trimtab.kernel.clock import Clock
from trimtab.kernel.tasks import ScheduledTask, TaskState

_LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Entry:
    task: ScheduledTask
    runs: TaskRunner

    @property
    def state(self) -> TaskState:
        return self.runs.state(max(_LOOK_SECONDS, self.task.every_seconds))


class Scheduler:
    """Runs tasks sequentially at their intervals, each first at the start.

    A failing task does not stop the others.

    For work that must not be lost, use `Jobs`.

    Args:
        tasks: Run in this order.
        clock: Of the process.
        leads: Whether this process leads its fleet; the others run the tasks of each process only.
    """

    def __init__(
        self,
        tasks: Sequence[ScheduledTask],
        clock: Clock,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._clock = clock
        self._leads = leads
        self._due = dict.fromkeys((task.name for task in tasks), 0.0)
        self.tasks = tuple(_Entry(task, TaskRunner(task.name, clock)) for task in tasks)
        self._loop = PeriodicTask("scheduler", self.run_due, _LOOK_SECONDS, clock)

    def run_due(self) -> list[str]:
        """Run every due task; return the names of those that succeeded."""
        done = []
        for entry in self.tasks:
            now, task = self._clock.monotonic(), entry.task
            if now < self._due[task.name]:
                continue
            if not (task.each_process or self._leads()):
                entry.runs.record_success()  # It is due once this process leads.
                continue
            self._due[task.name] = now + task.every_seconds
            if entry.runs.run(task.run):
                done.append(task.name)
        return done

    def start(self) -> None:
        """Start the thread."""
        for entry in self.tasks:
            entry.runs.record_start()
        self._loop.start()

    def close(self) -> None:
        """Stop after the task that is running."""
        self._loop.close()
        for entry in self.tasks:
            entry.runs.record_end()
