"""Background tasks that only the leader of a fleet runs; all others run in each process."""

from collections.abc import Iterable

from trimtab.infra.background import PeriodicTask
from trimtab.infra.fleet import Fleet
from trimtab.infra.valkey.dump_actions import BACKUP_TASK
from trimtab.kernel.tasks import Task
from trimtab.postgresql.backup_schedule import DUMP_TASK
from trimtab.postgresql.module import UPKEEP_TASK

LEADER_TASKS = frozenset({"answers-watch", "leak-watch", "gates", "handbook", "models canary"})
"""Names of tasks whose result is in the database, so that one process does it for all."""
SERVER_TASKS = frozenset({BACKUP_TASK, DUMP_TASK, UPKEEP_TASK})
"""Names of tasks on servers that all processes share; they exist where one is configured."""


def restrict_to_leader(tasks: Iterable[Task], fleet: Fleet) -> frozenset[str]:
    """Let the tasks of the leader do nothing in the other processes; return their names."""
    found = set()
    for task in tasks:
        if isinstance(task, PeriodicTask) and task.name in LEADER_TASKS | SERVER_TASKS:
            task.only_when(fleet.leads)
            found.add(task.name)
    return frozenset(found)
