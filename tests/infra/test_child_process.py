"""A child of a killed process ends with it; one that is ended by its starter takes its watcher with it."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from trimtab.infra.child_process import ChildProcess

SLEEPER = [sys.executable, "-c", "import signal; signal.pause()"]
STARTER = """
import signal, sys, threading
from trimtab.infra.child_process import ChildProcess
started = []
thread = threading.Thread(target=lambda: started.append(ChildProcess({command!r})))
thread.start()
thread.join()
if {frozen}:
    started[0].process.send_signal(signal.SIGSTOP)
print(started[0].process.pid, flush=True)
{ending}
"""


def start_parent(ending, *, frozen=False):
    code = STARTER.format(command=SLEEPER, frozen=frozen, ending=ending)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    return parent, psutil.Process(int(parent.stdout.readline()))


def ended(process):
    """Wait for the end of a process that is no child of this one; a zombie has ended."""
    with suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            with suppress(psutil.TimeoutExpired):
                process.wait(0.1)
    return True


@pytest.mark.parametrize("frozen", [False, True])
def test_a_child_ends_when_its_starter_is_killed(frozen):
    parent, child = start_parent("signal.pause()", frozen=frozen)
    with parent:
        # The thread that has started it is gone, and the child lives.
        assert child.is_running()
        os.kill(parent.pid, signal.SIGKILL)
    assert ended(child)


def test_a_child_that_was_forgotten_ends_with_its_starter():
    parent, child = start_parent("")
    with parent:
        assert parent.wait(30) == 0
    assert ended(child)


def test_killing_a_child_leaves_no_process():
    before = set(psutil.Process().children(recursive=True))
    child = ChildProcess(SLEEPER)
    assert len(set(psutil.Process().children(recursive=True)) - before) == 2
    child.kill()
    child.kill()
    assert set(psutil.Process().children(recursive=True)) <= before
    assert child.process.returncode == -signal.SIGKILL


def test_a_program_that_cannot_be_started_starts_no_watcher(tmp_path):
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(OSError, match="missing"):
        ChildProcess([str(tmp_path / "missing")])
    assert set(psutil.Process().children(recursive=True)) <= before
