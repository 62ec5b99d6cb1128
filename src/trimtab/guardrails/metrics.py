"""What the guards count about themselves, under the contract's names."""

import threading
from collections import Counter, deque
from dataclasses import dataclass

from trimtab.guardrails.verdicts import Decision, Verdict
from trimtab.kernel.drilling import Apart

_RECENT = 500


@dataclass(frozen=True, slots=True)
class GuardMetrics:
    """A snapshot of what was counted about users' texts, or about those of drills."""

    validations: int
    failures: int
    """Verdicts that are the result of an error or a timeout, not of a judgement."""
    blocked: dict[str, int]
    """Blocks by guard, since the start."""
    processing_duration_ms: dict[str, float]
    """The 95th percentile by guard, over the last 500 verdicts; 0 before the first."""
    false_positive_rate: float | None
    """Of the reviewed blocks, the share that a person called wrong; None before the first review."""
    cache_hits: int
    score_p50: dict[str, float]
    """The median score by guard, over the last 500 verdicts with a score."""

    @property
    def validation_success_rate(self) -> float | None:
        """Return the share of verdicts that are judgements; None before the first."""
        return 1 - self.failures / self.validations if self.validations else None


class _Counts:
    """What is counted about one kind of callers."""

    def __init__(self) -> None:
        self.validations = self.failures = self.cache_hits = 0
        self.blocked: Counter[str] = Counter()
        self.durations: dict[str, deque[float]] = {}
        self.scores: dict[str, deque[float]] = {}


class GuardCounters:
    """Collects what `GuardMetrics` shows, apart for drills. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._apart = Apart(_Counts)
        self._reviews: deque[bool] = deque(maxlen=_RECENT)

    def count(self, verdict: Verdict, *, failed: bool = False) -> None:
        """Count one verdict; ``failed`` when it comes from an error or a timeout."""
        with self._lock:
            mine = self._apart.now
            mine.validations += 1
            mine.failures += failed
            mine.cache_hits += verdict.cached
            if verdict.decision is Decision.BLOCK and not verdict.shadow:
                mine.blocked[verdict.guard] += 1
            if verdict.score is not None:
                mine.scores.setdefault(verdict.guard, deque(maxlen=_RECENT)).append(verdict.score)
            if not verdict.cached:
                recent = mine.durations.setdefault(verdict.guard, deque(maxlen=_RECENT))
                recent.append(verdict.duration_ms)

    def review(self, *, wrongly_blocked: bool) -> None:
        """Count a person's opinion of a block."""
        with self._lock:
            self._reviews.append(wrongly_blocked)

    def snapshot(self, *, drill: bool = False) -> GuardMetrics:
        """Return the counts of now, of users' texts or of those of drills."""
        with self._lock:
            mine = self._apart.of(drill=drill)
            return GuardMetrics(
                mine.validations,
                mine.failures,
                dict(mine.blocked),
                {guard: _quantile(recent, 0.95) for guard, recent in mine.durations.items()},
                sum(self._reviews) / len(self._reviews) if self._reviews else None,
                mine.cache_hits,
                {guard: _quantile(recent, 0.5) for guard, recent in mine.scores.items()},
            )


def _quantile(values: deque[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
