"""Drills: inject a fault and check that the operator repairs it by the runbook.

A cause whose drill has passed on this build may be repaired without approval.
"""

from trimtab.drills.runner import DrillRunner

__all__ = ["DrillRunner"]
