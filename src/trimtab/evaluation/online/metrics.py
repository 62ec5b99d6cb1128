"""Quality metrics of a window of traces, all from the database."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trimtab.answers.records import SUPPORTED, Trace
from trimtab.evaluation.statistics import quantile

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class QualityMetrics:
    """Rates are shares of the answers in the window, in [0, 1]; NaN when there were none."""

    answers: int = 0
    empty_rate: float = NAN
    """Questions for which nothing at all was retrieved."""
    not_found_rate: float = NAN
    degraded_rate: float = NAN
    fallback_rate: float = NAN
    """Answers that another generator than the first choice wrote."""
    blocked_rate: float = NAN
    blocks: Mapping[str, float] = field(default_factory=dict)
    """Per guard the share of answers that it blocked."""
    grounding_p10: float = NAN
    grounding_p50: float = NAN
    hallucination_rate: float = NAN
    """Found answers whose grounding is under 0.85, of the found ones."""
    duration_p95_ms: float = NAN
    feedback_rate: float = NAN
    """Thumbs an answer, up and down."""
    helpful_rate: float = NAN
    """Thumbs up of all thumbs."""
    cost_usd: float = 0.0


def quality_metrics(traces: Sequence[Trace], thumbs: tuple[int, int] = (0, 0)) -> QualityMetrics:
    """Return the quality_metrics of the traces and of the thumbs (up, down) in the same window."""
    up, down = thumbs
    if not traces:
        return QualityMetrics(helpful_rate=_share(up, up + down))
    count = len(traces)
    found = [trace for trace in traces if trace.answer.found]
    grounding = [trace.grounding for trace in found]
    blocks = Counter(s.name for t in traces for s in t.stages if s.outcome == "blocked")
    return QualityMetrics(
        answers=count,
        empty_rate=_share(sum(not trace.retrieved for trace in traces), count),
        not_found_rate=1 - len(found) / count,
        degraded_rate=_share(sum(trace.answer.degraded_mode for trace in traces), count),
        fallback_rate=_share(sum(_fell_back(trace) for trace in traces), count),
        blocked_rate=_share(sum(trace.answer.blocked for trace in traces), count),
        blocks={name: number / count for name, number in sorted(blocks.items())},
        grounding_p10=quantile(grounding, 0.1),
        grounding_p50=quantile(grounding, 0.5),
        hallucination_rate=_share(sum(score < SUPPORTED for score in grounding), len(grounding)),
        duration_p95_ms=quantile([trace.duration_ms for trace in traces], 0.95),
        feedback_rate=(up + down) / count,
        helpful_rate=_share(up, up + down),
        cost_usd=sum(trace.cost_usd for trace in traces),
    )


def _fell_back(trace: Trace) -> bool:
    return any(stage.outcome == "fallback" for stage in trace.stages)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else NAN
