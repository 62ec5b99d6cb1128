"""Counters and rolling statistics of the guards."""

import threading
from collections import Counter, deque
from dataclasses import dataclass

from trimtab.guardrails.verdicts import Decision, Verdict
from trimtab.kernel.drilling import Apart

_RECENT = 500


@dataclass(frozen=True, slots=True)
class GuardMetrics:
    """Snapshot of the counters, for user traffic or for drills."""

    validations: int
    failures: int
    """Verdicts that result from an error or a timeout."""
    blocked: dict[str, int]
    """Blocks by guard, since the start."""
    processing_duration_ms: dict[str, float]
    """The 95th percentile by guard, over the last 500 verdicts; 0 before the first."""
    false_positive_rate: float | None
    """Share of reviewed blocks that were wrong; None before the first review."""
    cache_hits: int
    score_p50: dict[str, float]
    """The median score by guard, over the last 500 verdicts with a score."""

    @property
    def validation_success_rate(self) -> float | None:
        """Return the share of verdicts without failure; None before the first."""
        return 1 - self.failures / self.validations if self.validations else None


class _Counts:
    """Counters of one kind of traffic: users or drills."""

    def __init__(self) -> None:
        self.validations = self.failures = self.cache_hits = 0
        self.blocked: Counter[str] = Counter()
        self.durations: dict[str, deque[float]] = {}
        self.scores: dict[str, deque[float]] = {}


class GuardCounters:
    """Collects `GuardMetrics` separately for users and drills; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._apart = Apart(_Counts)
        self._reviews: deque[bool] = deque(maxlen=_RECENT)

    def count(self, verdict: Verdict, *, failed: bool = False) -> None:
        """Count one verdict; ``failed`` marks an error or a timeout."""
        with self._lock:
            counts = self._apart.now
            counts.validations += 1
            counts.failures += failed
            counts.cache_hits += verdict.cached
            if verdict.decision is Decision.BLOCK and not verdict.shadow:
                counts.blocked[verdict.guard] += 1
            if verdict.score is not None:
                counts.scores.setdefault(verdict.guard, deque(maxlen=_RECENT)).append(verdict.score)
            if not verdict.cached:
                recent = counts.durations.setdefault(verdict.guard, deque(maxlen=_RECENT))
                recent.append(verdict.duration_ms)

    def review(self, *, wrongly_blocked: bool) -> None:
        """Record a reviewer's opinion on a block."""
        with self._lock:
            self._reviews.append(wrongly_blocked)

    def snapshot(self, *, drill: bool = False) -> GuardMetrics:
        """Return the current counters, for user traffic or for drills."""
        with self._lock:
            counts = self._apart.of(drill=drill)
            return GuardMetrics(
                counts.validations,
                counts.failures,
                dict(counts.blocked),
                {guard: _quantile(recent, 0.95) for guard, recent in counts.durations.items()},
                sum(self._reviews) / len(self._reviews) if self._reviews else None,
                counts.cache_hits,
                {guard: _quantile(recent, 0.5) for guard, recent in counts.scores.items()},
            )


def _quantile(values: deque[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
