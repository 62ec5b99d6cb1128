"""Signals of the evaluation domain."""

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from trimtab.evaluation.online import QualityMonitor
from trimtab.evaluation.service import EvaluationService
from trimtab.kernel.drilling import LABEL, MARK, samples_apart
from trimtab.kernel.operable import Sample, Signal


def signals(service: EvaluationService) -> tuple[Signal, ...]:
    """Return every signal of the domain; their names keep the prefix that rules know."""
    return (*_window(service.monitor), *_retrieval(service.monitor))


def _plain(name: str, unit: str, text: str, read: Callable[[], float], metric: str = "") -> Signal:
    return Signal(name, unit, text, lambda: (Sample(float(read())),), metric=metric)


def _apart(name: str, unit: str, text: str, read: Callable[[bool], float], **more: Any) -> Signal:
    """Return a signal about users and, under its label, about drills; ``read`` receives which."""
    return Signal(name, unit, text, lambda: samples_apart(read), labels=(LABEL,), **more)


def _metric(monitor: QualityMonitor, name: str, drill: bool) -> float:
    return float(getattr(monitor.seen_of(drill=drill).metrics, name))


def _drifted(monitor: QualityMonitor, drill: bool) -> float:
    found = monitor.seen_of(drill=drill).drift
    return math.nan if found is None else float(found.detected)


def _blocks(monitor: QualityMonitor) -> Iterable[Sample]:
    for drill in (False, True):
        mark = {LABEL: MARK} if drill else {}
        for guard, share in monitor.seen_of(drill=drill).metrics.blocks.items():
            yield Sample(share, {"guard": guard, **mark})


def _window(monitor: QualityMonitor) -> Iterable[Signal]:
    for name, text in (
        ("hallucination_rate", "Found answers in the window whose grounding is under 0.85."),
        ("grounding_p10", "One answer in ten in the window is grounded no better than this."),
        ("grounding_p50", "The median grounding of the found answers in the window."),
        ("empty_rate", "Questions in the window for which nothing was retrieved."),
        ("not_found_rate", "Questions in the window that the documents do not answer."),
        ("blocked_rate", "Answers in the window that a guard withheld."),
        ("feedback_rate", "Thumbs an answer in the window."),
        ("helpful_rate", "Thumbs up of all thumbs in the window."),
    ):
        yield _apart(
            f"answers.{name}",
            "1",
            text,
            partial(_metric, monitor, name),
        )
    yield _apart(
        "answers.duration.p95",
        "ms",
        "95 % of the answers in the window took no longer.",
        partial(_metric, monitor, "duration_p95_ms"),
        metric="answers_duration_p95_ms",
    )
    yield Signal(
        "answers.guard.block_rate",
        "1",
        "The share of the answers in the window that a guard blocked.",
        partial(_blocks, monitor),
        labels=("guard", LABEL),
    )


def _retrieval(monitor: QualityMonitor) -> Iterable[Signal]:
    yield _apart(
        "answers.similarity.p50",
        "1",
        "The median cosine of question and best quote in the window.",
        lambda drill: monitor.seen_of(drill=drill).cosine_p50,
    )
    yield _apart(
        "answers.similarity.ratio",
        "1",
        "The median cosine over its pinned baseline; 0.9 to 1.1 is normal.",
        lambda drill: monitor.seen_of(drill=drill).cosine_ratio,
    )
    yield _apart(
        "answers.drift.detected",
        "1",
        "1 when people ask about other things than when the baseline was pinned.",
        partial(_drifted, monitor),
        metric="embedding_drift_detected",
    )
    yield _plain(
        "answers.canary.recall",
        "1",
        "The share of the known questions whose document was found in the last round.",
        lambda: math.nan if monitor.seen.canary is None else monitor.seen.canary.recall,
    )
