"""Experiments with other configurations: candidates, shadow mode and replay."""

from trimtab.evaluation.experiments.candidate import CandidateFactory
from trimtab.evaluation.experiments.shadow import Shadow
from trimtab.evaluation.experiments.store import PairStore

__all__ = ["CandidateFactory", "PairStore", "Shadow"]
