"""Trying another configuration without anybody noticing: rehearsals, shadow mode and replay."""

from trimtab.evaluation.experiments.candidate import CandidateFactory, CandidatePipeline
from trimtab.evaluation.experiments.pairs import Outcome, Pair, PairReport, pair, report
from trimtab.evaluation.experiments.replay import ReplayReport, replay
from trimtab.evaluation.experiments.shadow import Shadow
from trimtab.evaluation.experiments.store import PairStore

__all__ = [
    "CandidateFactory",
    "CandidatePipeline",
    "Outcome",
    "Pair",
    "PairReport",
    "PairStore",
    "ReplayReport",
    "Shadow",
    "pair",
    "replay",
    "report",
]
