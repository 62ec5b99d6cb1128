"""Erasure of everything about a person, with a signed certificate."""

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
