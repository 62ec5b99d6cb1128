"""Canaries and shadows: a candidate next to production, decided by a sequential test."""

from trimtab.models.canary.records import CanaryMode, CanaryState, ModelCanary
from trimtab.models.canary.service import Canaries

__all__ = ["Canaries", "CanaryMode", "CanaryState", "ModelCanary"]
