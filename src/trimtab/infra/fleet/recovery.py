"""Continues the durable jobs of lost processes; the leader does it."""

import logging

from trimtab.infra.background import PeriodicTask
from trimtab.infra.fleet.service import Fleet
from trimtab.infra.jobs import Jobs
from trimtab.kernel.clock import Clock, machine_clock

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 5.0
_CLAIM_SECONDS = 60.0


class JobRecovery:
    """Hands the jobs of lost processes to live ones.

    DBOS continues the jobs of its own executor only, and every process is an executor of its own. A
    lost process stays in the table until none of its jobs is left, so that a failure in between is
    repeated by this leader or by the next one.

    Args:
        fleet: Tells which processes are lost, and whether this one leads.
        jobs: Those of this process; they know all jobs on the database.
        clock: Of the process.
    """

    def __init__(self, fleet: Fleet, jobs: Jobs, clock: Clock) -> None:
        self._fleet = fleet
        self._jobs = jobs
        work = fleet.led(self.look)
        self.task = PeriodicTask("fleet-recovery", work, _LOOK_SECONDS, machine_clock(clock))

    def look(self) -> int:
        """Hand over the jobs of every lost process; return how many jobs there were."""
        # Processes of other roles have a leader of their own.
        with self._fleet.claimed("job recovery", _CLAIM_SECONDS) as claimed:
            return self._hand_over() if claimed else 0

    def _hand_over(self) -> int:
        count = 0
        for process in self._fleet.processes():
            if process.is_live:
                continue
            found = self._jobs.recover(process.id)
            count += found
            _log.warning(
                "a process is lost" if found else "a lost process has no jobs left",
                extra={"lost_process": process.id, "jobs": found},
            )
            if not found:
                self._fleet.remove(process.id)
        return count
