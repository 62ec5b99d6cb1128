"""Canaries and shadows: a candidate beside production, decided by a sequential test."""

from trimtab.models.canary.records import Canary, CanaryMode, CanaryState
from trimtab.models.canary.service import Canaries

__all__ = ["Canaries", "Canary", "CanaryMode", "CanaryState"]
