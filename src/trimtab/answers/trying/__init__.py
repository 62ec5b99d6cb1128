"""Trying another configuration without anybody noticing: rehearsals, shadow mode and replay."""

from trimtab.answers.trying.pairs import Outcome, Pair, PairReport, pair, report
from trimtab.answers.trying.rehearsal import Rehearsal
from trimtab.answers.trying.replay import ReplayReport, replay
from trimtab.answers.trying.shadow import Shadow
from trimtab.answers.trying.store import PairStore

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
