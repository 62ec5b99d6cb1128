"""Watching itself: how answers fare now, against a baseline, and against known questions."""

from trimtab.answers.watching.canary import Canary, CanaryReport, Probe
from trimtab.answers.watching.drift import DriftReport, drift
from trimtab.answers.watching.figures import Figures, figures
from trimtab.answers.watching.store import SampleStore
from trimtab.answers.watching.watch import Watch

__all__ = [
    "Canary",
    "CanaryReport",
    "DriftReport",
    "Figures",
    "Probe",
    "SampleStore",
    "Watch",
    "drift",
    "figures",
]
