"""Drills: inject a fault and check that the operator repairs it by the runbook.

A cause whose drill has passed on this build may be repaired without approval.
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
