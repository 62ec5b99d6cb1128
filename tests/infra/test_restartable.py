"""Background tasks that are restarted alone, and the action that does it."""

import threading

from trimtab.infra.restartable import RestartableTask, restart_action
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.operable import ActionContext, Effect

CONTEXT = ActionContext("key", "tester")


class Work:
    """Counts runs, and tells when there was one."""

    def __init__(self):
        self.runs, self.ran = 0, threading.Event()

    def __call__(self):
        self.runs += 1
        self.ran.set()

    def wait(self):
        assert self.ran.wait(30)
        self.ran.clear()


def test_a_stopped_task_runs_again_after_its_restart():
    work = Work()
    task = RestartableTask("work", work, 3600, SystemClock())
    task.start()
    work.wait()
    task.stop()
    assert task.running is False
    assert task.restart() is True
    work.wait()
    task.close()
    assert work.runs == 2


def test_a_task_that_hangs_is_replaced():
    go_on, began = threading.Event(), threading.Event()
    seen = []

    def work():
        seen.append(threading.current_thread())
        began.set()
        if len(seen) == 1:
            go_on.wait(60)

    task = RestartableTask("work", work, 3600, SystemClock())
    task.start()
    assert began.wait(30)
    began.clear()
    assert task.restart() is True
    assert began.wait(30)
    go_on.set()
    task.close()
    assert len(set(seen)) == 2


def test_a_closed_task_is_not_restarted_and_the_action_says_so():
    task = RestartableTask("work", Work(), 3600, SystemClock())
    task.start()
    action = restart_action("a.restart", "Restart it.", lambda: task)
    assert action.run({}, CONTEXT).summary == "Restarted work."
    assert action.dry_run({}, CONTEXT).summary == "work would be restarted."
    assert action.effect_class is Effect.REPEATABLE
    task.close()
    assert action.run({}, CONTEXT).changes is False
