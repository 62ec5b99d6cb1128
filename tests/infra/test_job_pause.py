"""Jobs and drills pause in maintenance mode; incidents go on."""

import threading
from queue import Queue
from types import SimpleNamespace

import pytest

from trimtab.drills.errors import DrillRefused
from trimtab.drills.runner import DrillRunner
from trimtab.incidents.loop import KIND
from trimtab.infra.environment import _NEVER_PAUSED
from trimtab.infra.jobs.pausing import JobPause


class Run:
    job_id = "job"

    def step(self, _name, do):
        return do()


def body(did):
    def run(given, _):
        given.step("one", lambda: did.append(1))
        given.step("two", lambda: did.append(2))

    return run


def started(pause, kind):
    did, ended = [], threading.Event()

    def work():
        pause.wrap(kind, body(did))(Run(), {})
        ended.set()

    threading.Thread(target=work, daemon=True).start()
    return did, ended


def test_a_job_waits_before_its_step_until_the_pause_ends():
    pause, paused, asked = JobPause(_NEVER_PAUSED), [True], threading.Event()
    pause.when(lambda: asked.set() or paused[0])
    did, ended = started(pause, "retraining")
    assert asked.wait(30)
    assert (did, ended.is_set()) == ([], False)
    paused[0] = False
    assert ended.wait(30)
    assert did == [1, 2]


def test_an_incident_is_not_held():
    pause = JobPause(_NEVER_PAUSED)
    pause.when(lambda: True)
    did, ended = started(pause, KIND)
    assert ended.wait(30)
    assert did == [1, 2]


def test_the_end_of_the_process_ends_the_pause():
    pause = JobPause(_NEVER_PAUSED)
    pause.when(lambda: True)
    did, ended = started(pause, "retraining")
    pause.end()
    assert ended.wait(30)
    assert did == [1, 2]


def test_a_drill_does_not_start_in_maintenance_mode():
    library = SimpleNamespace(cause=lambda _: (None, None), provides=lambda _: True)
    runner = DrillRunner(SimpleNamespace(library=library), lambda: "maintenance mode is on.")
    with pytest.raises(DrillRefused, match="maintenance mode is on"):
        runner.start("page/cause", 1, Queue().put)
