"""A periodic background task that can be restarted by itself, and the action that does it."""

import threading
from collections.abc import Callable

from trimtab.infra.background import PeriodicTask
from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Action, ActionContext, ActionResult, Arguments, Effect, Risk
from trimtab.kernel.tasks import TaskState

_CLOSE_SECONDS = 5.0
"""How long a restart waits for the current run; a run that hangs is left behind in its thread."""


class RestartableTask:
    """Runs work periodically in a thread that a restart replaces by a fresh one.

    Args:
        name: The name of the thread, in logs and in metrics.
        work: Runs once per interval.
        seconds: Between two runs.
        clock: Measures the interval.
    """

    def __init__(self, name: str, work: Callable[[], object], seconds: float, clock: Clock) -> None:
        self.name = name
        self._make: Callable[[], PeriodicTask] = lambda: PeriodicTask(name, work, seconds, clock)
        self._lock = threading.Lock()
        self._task = self._make()
        self._started = self._closed = False

    @property
    def state(self) -> TaskState:
        """Return the state of the current thread's work."""
        return self._task.state

    @property
    def running(self) -> bool:
        """Return whether the thread was started and not stopped."""
        return self._started

    def run_once(self) -> bool:
        """Run the work now in the caller's thread; return whether it succeeded."""
        return self._task.run_once()

    def start(self) -> None:
        """Start the thread."""
        with self._lock:
            self._task.start()
            self._started = True

    def stop(self) -> None:
        """Stop the thread after its current run; `restart` starts a new one."""
        with self._lock:
            self._task.close(_CLOSE_SECONDS)
            self._started = False

    def restart(self) -> bool:
        """Replace the thread by a fresh one, whose first run comes at once.

        Returns:
            False when the process is ending, so that nothing was started.
        """
        with self._lock:
            if self._closed:
                return False
            self._task.close(_CLOSE_SECONDS)
            self._task = self._make()
            self._task.start()
            self._started = True
            return True

    def close(self, timeout: float | None = 30.0) -> None:
        """Stop for good. May be called twice."""
        with self._lock:
            self._closed, self._started = True, False
            self._task.close(timeout)


def restart_action(
    name: str,
    text: str,
    task: Callable[[], RestartableTask],
    *others: Callable[[], RestartableTask],
) -> Action:
    """Return the action that restarts tasks; nothing that waits for them is lost.

    Args:
        name: Of the action.
        text: Its help.
        task: Returns the task when the action runs.
        others: Further tasks that are restarted with it.
    """
    tasks = (task, *others)

    def run(_: Arguments, __: ActionContext) -> ActionResult:
        restarted = [each().name for each in tasks if each().restart()]
        names = " and ".join(restarted) or "nothing: the service is ending"
        return ActionResult(f"Restarted {names}.", changes=bool(restarted))

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        names = " and ".join(each().name for each in tasks)
        return ActionResult(f"{names} would be restarted.")

    return Action(
        name,
        text,
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="its work continues where it was",
        effect=Effect.REPEATABLE,
    )
