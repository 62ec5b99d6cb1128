"""Erasure: everything about one person is deleted, step by step, and a signed certificate says so."""

from trimtab.answers.erasure.port import Erasable, ErasureStep
from trimtab.answers.erasure.records import Erasure, ErasureState, StepState, StepStatus
from trimtab.answers.erasure.service import Erasures

__all__ = [
    "Erasable",
    "Erasure",
    "ErasureState",
    "ErasureStep",
    "Erasures",
    "StepState",
    "StepStatus",
]
