"""Drills: break the service on purpose, and see whether its runbook repairs exactly that.

A cause whose drill has passed on this build may be repaired by the machine alone; others are asked for.
"""

from trimtab.drills.errors import DrillRefused, DrillStopped
from trimtab.drills.result import DrillResult, DrillStage, DrillWait, Progress
from trimtab.drills.run import DrillSubject, run_drill
from trimtab.drills.runner import DrillMessage, DrillRunner, as_line

__all__ = [
    "DrillMessage",
    "DrillRefused",
    "DrillResult",
    "DrillRunner",
    "DrillStage",
    "DrillStopped",
    "DrillSubject",
    "DrillWait",
    "Progress",
    "as_line",
    "run_drill",
]
