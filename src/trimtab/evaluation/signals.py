"""Signals of the evaluation domain."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from trimtab.evaluation.online import QualityMonitor
from trimtab.evaluation.service import EvaluationService
from trimtab.kernel.operable import Sample, Signal


def signals(service: EvaluationService) -> tuple[Signal, ...]:
    """Return every signal of the domain; their names keep the prefix that rules know."""
    return (*_window(service.monitor), *_retrieval(service.monitor))


def _one(name: str, unit: str, text: str, read: Callable[[], float], metric: str = "") -> Signal:
    return Signal(name, unit, text, lambda: (Sample(float(read())),), metric=metric)


def _labelled(
    name: str, text: str, label: str, read: Callable[[], Iterable[tuple[str, float]]], **more: Any
) -> Signal:
    def samples() -> Iterable[Sample]:
        return [Sample(float(value), {label: key}) for key, value in read()]

    return Signal(name, "1", text, samples, labels=(label,), **more)


def _metric(monitor: QualityMonitor, name: str) -> float:
    return float(getattr(monitor.seen.metrics, name))


def _blocks(monitor: QualityMonitor) -> Iterable[tuple[str, float]]:
    return monitor.seen.metrics.blocks.items()


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
        yield _one(
            f"answers.{name}",
            "1",
            text,
            partial(_metric, monitor, name),
        )
    yield _one(
        "answers.duration.p95",
        "ms",
        "95 % of the answers in the window took no longer.",
        lambda: monitor.seen.metrics.duration_p95_ms,
        "answers_duration_p95_ms",
    )
    yield _labelled(
        "answers.guard.block_rate",
        "The share of the answers in the window that a guard blocked.",
        "guard",
        partial(_blocks, monitor),
    )


def _retrieval(monitor: QualityMonitor) -> Iterable[Signal]:
    nan = float("nan")
    yield _one(
        "answers.similarity.p50",
        "1",
        "The median cosine of question and best quote in the window.",
        lambda: monitor.seen.cosine_p50,
    )
    yield _one(
        "answers.similarity.ratio",
        "1",
        "The median cosine over its pinned baseline; 0.9 to 1.1 is normal.",
        lambda: monitor.seen.cosine_ratio,
    )
    yield _one(
        "answers.drift.detected",
        "1",
        "1 when people ask about other things than when the baseline was pinned.",
        lambda: nan if monitor.seen.drift is None else monitor.seen.drift.detected,
        "embedding_drift_detected",
    )
    yield _one(
        "answers.canary.recall",
        "1",
        "The share of the known questions whose document was found in the last round.",
        lambda: nan if monitor.seen.canary is None else monitor.seen.canary.recall,
    )
