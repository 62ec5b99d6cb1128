"""Trying another configuration without anybody noticing: rehearsals, shadow mode and replay."""

from trimtab.evaluation.experiments.candidate import Rehearsal
from trimtab.evaluation.experiments.pairs import Outcome, Pair, PairReport, pair, report
from trimtab.evaluation.experiments.replay import ReplayReport, replay
from trimtab.evaluation.experiments.shadow import Shadow
from trimtab.evaluation.experiments.store import PairStore

__all__ = [
    "Outcome",
    "Pair",
    "PairReport",
    "PairStore",
    "Rehearsal",
    "ReplayReport",
    "Shadow",
    "pair",
    "replay",
    "report",
]
