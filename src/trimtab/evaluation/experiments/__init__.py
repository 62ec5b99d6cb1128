"""Experiments with other configurations: candidates, shadow mode and replay."""

from trimtab.evaluation.experiments.candidate import CandidateFactory, CandidatePipeline
from trimtab.evaluation.experiments.pairs import Pair, PairOutcome, PairReport, pair, report
from trimtab.evaluation.experiments.replay import ReplayReport, replay
from trimtab.evaluation.experiments.shadow import Shadow
from trimtab.evaluation.experiments.store import PairStore

__all__ = [
    "CandidateFactory",
    "CandidatePipeline",
    "Pair",
    "PairOutcome",
    "PairReport",
    "PairStore",
    "ReplayReport",
    "Shadow",
    "pair",
    "replay",
    "report",
]
