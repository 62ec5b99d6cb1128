"""Counters of answers, for rates over any window."""

import math
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from trimtab.answers.records import EXTRACTIVE, SUPPORTED, Trace
from trimtab.guardrails.verdicts import Decision
from trimtab.kernel.clock import Clock
from trimtab.kernel.drilling import Apart
from trimtab.kernel.events import Event

_RECENT = 10_000
"""Number of instants kept, for counts over minutes."""


ANSWER_GIVEN = "answers.given"
KINDS = (
    "given",
    "not_found",
    "blocked",
    "empty",
    "degraded",
    "fallback",
    "generated",
    "unsupported",
)
"""``generated``: answers of a model; ``unsupported``: those of them grounded under 0.85 or rejected
by the answer guards."""


@dataclass(frozen=True, slots=True)
class AnswerGiven(Event):
    """The event after each answer; holds no text."""

    trace_id: str
    project: str
    found: bool
    blocked: bool
    degraded_mode: bool
    cache_hit: bool
    model: str
    grounding: float
    """0 when not found."""
    rejected: bool
    """Whether the guards found a model's draft unsupported by its quotes."""
    fallback: bool
    """Whether another generator than the first choice wrote it."""
    passages: int
    duration_ms: float

    @classmethod
    def of(cls, trace: Trace) -> "AnswerGiven":
        """Return the event of an answer."""
        answer = trace.answer
        stages = {stage.name: stage for stage in trace.stages}
        written, judged = stages.get("generate"), stages.get("guard_answer")
        verdicts = judged.facts.get("verdicts") if judged else None
        # A text withheld for personal data, or quotes that no model wrote, say nothing about a
        # model.
        rejected = (
            written is not None
            and judged is not None
            and judged.outcome in {"fallback", "blocked"}
            and isinstance(verdicts, Mapping)
            and verdicts.get("hallucination") == Decision.BLOCK
            and written.facts.get("model") != EXTRACTIVE
        )
        return cls(
            name=ANSWER_GIVEN,
            at=answer.created_at,
            subject=answer.id,
            facts={},
            trace_id=trace.id,
            project=answer.project,
            found=answer.found,
            blocked=answer.blocked,
            degraded_mode=answer.degraded_mode,
            cache_hit=answer.cache_hit,
            model=answer.model,
            grounding=trace.grounding if answer.found else 0.0,
            rejected=rejected,
            fallback=written is not None and written.outcome == "fallback",
            passages=len(trace.retrieved),
            duration_ms=round(trace.duration_ms, 3),
        )


class _Counts:
    """Counters of users or of drills."""

    def __init__(self) -> None:
        self.errors: deque[float] = deque(maxlen=_RECENT)
        self.given: deque[float] = deque(maxlen=_RECENT)
        self.kinds: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()


class AnswerCounters:
    """Counters since the start; those of drills are kept apart and read with ``drill``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._apart = Apart(_Counts)

    def on_answer(self, event: Event) -> None:
        """Count one answer; subscribed to ``answers.given``."""
        if not isinstance(event, AnswerGiven):
            return
        generated = event.rejected or (event.found and event.model != EXTRACTIVE)
        applies = {
            "given": True,
            "not_found": not event.found and not event.blocked,
            "blocked": event.blocked,
            "empty": event.passages == 0,
            "degraded": event.degraded_mode,
            "fallback": event.fallback,
            "generated": generated,
            "unsupported": event.rejected or (generated and event.grounding < SUPPORTED),
        }
        now = self._clock.monotonic()
        with self._lock:
            mine = self._apart.now
            mine.kinds.update(kind for kind in KINDS if applies[kind])
            mine.given.append(now)
            if event.fallback:
                mine.errors.append(now)

    def count_failure(self, code: str) -> None:
        """Count a question that ended in an error."""
        with self._lock:
            mine = self._apart.now
            mine.failed[code] += 1
            mine.errors.append(self._clock.monotonic())

    def errors_between(self, start: float, end: float = math.inf, *, drill: bool = False) -> int:
        """Return the number of failed and fallback questions between two instants."""
        with self._lock:
            return sum(start <= at < end for at in self._apart.of(drill=drill).errors)

    def error_ratio(self, seconds: float, *, drill: bool = False) -> float:
        """Return the share of recent questions that failed or fell back; NaN without questions."""
        since = self._clock.monotonic() - seconds
        with self._lock:
            counts = self._apart.of(drill=drill)
            errors = sum(at >= since for at in counts.errors)
            answered = sum(at >= since for at in counts.given)
        asked = max(answered, errors)
        return errors / asked if asked else math.nan

    def count(self, kind: str, *, drill: bool = False) -> int:
        """Return the count of one of `KINDS`."""
        return self._apart.of(drill=drill).kinds[kind]

    def failures(self, *, drill: bool = False) -> Mapping[str, int]:
        """Return the number of failed questions by error code."""
        with self._lock:
            return dict(self._apart.of(drill=drill).failed)
