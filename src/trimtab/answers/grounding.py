"""How well an answer is supported, as one number for figures, pairs and evaluations."""

from trimtab.answers.extractive import MODEL as EXTRACTIVE
from trimtab.answers.records import Trace

SUPPORTED = 0.85
"""A grounding score at or above this counts as supported (the contract's threshold)."""


def grounding_of(trace: Trace) -> float:
    """Return how well a found answer is supported, in [0, 1].

    Quotes are supported by what they are. A model's answer has the guard's score for its worst sentence where the guard
    has seen it; otherwise as much of its sentences as stands in the passages they cite.
    """
    if trace.answer.model == EXTRACTIVE:
        return 1.0
    for stage in trace.stages:
        scores = stage.facts.get("scores")
        made_up = scores.get("hallucination") if isinstance(scores, dict) else None
        if isinstance(made_up, int | float):
            return 1.0 - float(made_up)
    return trace.answer.confidence
