"""Drills: break the service on purpose, and see whether its runbook repairs exactly that.

A cause whose drill has passed on this build may be repaired by the machine alone; others are asked for.
"""

from trimtab.drills.errors import DrillRefused, DrillStopped
from trimtab.drills.result import DrillResult, Progress, Stage, Waiting
from trimtab.drills.room import DrillRoom, Said, as_line
from trimtab.drills.run import Subject, run_drill

__all__ = [
    "DrillRefused",
    "DrillResult",
    "DrillRoom",
    "DrillStopped",
    "Progress",
    "Said",
    "Stage",
    "Subject",
    "Waiting",
    "as_line",
    "run_drill",
]
