"""The leader hands over the jobs of lost processes, and removes a process once none of its jobs is left."""

from contextlib import nullcontext

from trimtab.infra.fleet import FleetProcess
from trimtab.infra.fleet.recovery import JobRecovery
from trimtab.testing.clock import FakeClock


class OneLost:
    """A fleet of which one process is lost."""

    def __init__(self):
        self.removed = []

    def processes(self):
        known = {"roles": "all", "address": "", "release": "1", "host": "h", "uptime_seconds": 90.0}
        return [
            FleetProcess(
                "dead", **known, silent_seconds=31.0, applied=0, is_live=False, leader=False
            ),
            FleetProcess("here", **known, silent_seconds=1.0, applied=0, is_live=True, leader=True),
        ]

    def claimed(self, _name, _seconds):
        return nullcontext(enter_result=True)

    def led(self, work):
        return work

    def remove(self, name):
        self.removed.append(name)


class Jobs:
    """Jobs of lost processes, by process."""

    def __init__(self, **left):
        self.left = left

    def recover(self, name):
        found, self.left[name] = self.left[name], 0
        return found


def test_a_lost_process_is_removed_when_none_of_its_jobs_is_left():
    fleet = OneLost()
    recovery = JobRecovery(fleet, Jobs(dead=2, here=5), FakeClock())
    assert (recovery.look(), fleet.removed) == (2, [])
    assert (recovery.look(), fleet.removed) == (0, ["dead"])
