"""What the guards count about themselves, under the contract's names."""

import threading
from collections import Counter, deque
from dataclasses import dataclass, field

from trimtab.guardrails.verdicts import Decision, Verdict
from trimtab.kernel.drilling import Apart

_RECENT = 500


@dataclass(frozen=True, slots=True)
class GuardMetrics:
    """A snapshot."""

    validations: int
    failures: int
    """Verdicts that are the result of an error or a timeout, not of a judgement."""
    blocked: dict[str, int]
    """Blocks by guard, since the start; without those of drills."""
    processing_duration_ms: dict[str, float]
    """The 95th percentile by guard, over the last 500 verdicts; 0 before the first."""
    false_positive_rate: float | None
    """Of the reviewed blocks, the share that a person called wrong; None before the first review."""
    cache_hits: int
    score_p50: dict[str, float]
    """The median score by guard, over the last 500 verdicts with a score."""
    blocked_in_drills: dict[str, int] = field(default_factory=dict)
    """Blocks by guard of what drills have sent, since the start."""

    @property
    def validation_success_rate(self) -> float | None:
        """Return the share of verdicts that are judgements; None before the first."""
        return 1 - self.failures / self.validations if self.validations else None


class GuardCounters:
    """Collects what `GuardMetrics` shows. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._validations = self._failures = self._cache_hits = 0
        self._blocked: Apart[Counter[str]] = Apart(Counter)
        self._durations: dict[str, deque[float]] = {}
        self._scores: dict[str, deque[float]] = {}
        self._reviews: deque[bool] = deque(maxlen=_RECENT)

    def count(self, verdict: Verdict, *, failed: bool = False) -> None:
        """Count one verdict; ``failed`` when it comes from an error or a timeout."""
        with self._lock:
            self._validations += 1
            self._failures += failed
            self._cache_hits += verdict.cached
            if verdict.decision is Decision.BLOCK and not verdict.shadow:
                self._blocked.now[verdict.guard] += 1
            if verdict.score is not None:
                self._scores.setdefault(verdict.guard, deque(maxlen=_RECENT)).append(verdict.score)
            if not verdict.cached:
                recent = self._durations.setdefault(verdict.guard, deque(maxlen=_RECENT))
                recent.append(verdict.duration_ms)

    def review(self, *, wrongly_blocked: bool) -> None:
        """Count a person's opinion of a block."""
        with self._lock:
            self._reviews.append(wrongly_blocked)

    def snapshot(self) -> GuardMetrics:
        """Return the counts of now."""
        with self._lock:
            return GuardMetrics(
                self._validations,
                self._failures,
                dict(self._blocked.users),
                {guard: _quantile(recent, 0.95) for guard, recent in self._durations.items()},
                sum(self._reviews) / len(self._reviews) if self._reviews else None,
                self._cache_hits,
                {guard: _quantile(recent, 0.5) for guard, recent in self._scores.items()},
                dict(self._blocked.drills),
            )


def _quantile(values: deque[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
