"""Erasure: everything about one person is deleted, step by step, and a signed certificate says so."""

from trimtab.kernel.personal_data import Erasable, ErasureStep
from trimtab.privacy.erasure.records import Erasure, ErasureState, StepState, StepStatus
from trimtab.privacy.erasure.service import Erasures

__all__ = [
    "Erasable",
    "Erasure",
    "ErasureState",
    "ErasureStep",
    "Erasures",
    "StepState",
    "StepStatus",
]
