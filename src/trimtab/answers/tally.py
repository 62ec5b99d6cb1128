"""Counts answers as they are given, for rates over any window."""

import math
import threading
from collections import Counter, deque
from collections.abc import Mapping

from trimtab.answers.extractive import MODEL as EXTRACTIVE
from trimtab.answers.grounding import SUPPORTED
from trimtab.kernel.clock import Clock
from trimtab.kernel.drilling import Apart
from trimtab.kernel.events import Event

_RECENT = 10_000
"""So many instants are remembered, for counts over minutes."""


class _Counts:
    """What is counted about one kind of callers."""

    def __init__(self) -> None:
        self.errors: deque[float] = deque(maxlen=_RECENT)
        self.given: deque[float] = deque(maxlen=_RECENT)
        self.kinds: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()


class Tally:
    """Counters since the start, apart for drills; subscribe `heard` to ``answers.given``.

    What is asked for with ``drill`` is that of drills, else that of users.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._apart = Apart(_Counts)

    def heard(self, event: Event) -> None:
        """Count one answer."""
        facts = event.facts
        with self._lock:
            mine = self._apart.now
            mine.kinds.update(_kinds(facts))
            mine.given.append(self._clock.monotonic())
            if facts.get("fallback"):
                mine.errors.append(self._clock.monotonic())

    def failed(self, code: str) -> None:
        """Count a question that ended in an error."""
        with self._lock:
            mine = self._apart.now
            mine.failed[code] += 1
            mine.errors.append(self._clock.monotonic())

    def errors_between(self, start: float, end: float = math.inf, *, drill: bool = False) -> int:
        """Return how many questions failed, or fell back to another model, between two monotonic instants."""
        with self._lock:
            return sum(start <= at < end for at in self._apart.of(drill=drill).errors)

    def error_ratio(self, seconds: float, *, drill: bool = False) -> float:
        """Return the share of the recent questions that failed or fell back; NaN when none was asked."""
        since = self._clock.monotonic() - seconds
        with self._lock:
            counts = self._apart.of(drill=drill)
            errors = sum(at >= since for at in counts.errors)
            answered = sum(at >= since for at in counts.given)
        asked = max(answered, errors)
        return errors / asked if asked else math.nan

    def count(self, kind: str, *, drill: bool = False) -> int:
        """Return how many there were: ``given``, ``not_found``, ``blocked``, ``empty``, ``degraded`` ..."""
        return self._apart.of(drill=drill).kinds[kind]

    def failures(self, *, drill: bool = False) -> Mapping[str, int]:
        """Return the failed questions by error code."""
        with self._lock:
            return dict(self._apart.of(drill=drill).failed)


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
"""``generated``: a model's answers; ``unsupported``: those grounded under 0.85 or rejected by the answer's guards."""


def _kinds(facts: Mapping[str, object]) -> list[str]:
    grounding = facts.get("grounding", facts.get("confidence", 1.0))
    rejected = bool(facts.get("rejected"))
    generated = rejected or (bool(facts.get("found")) and facts.get("model") != EXTRACTIVE)
    low = isinstance(grounding, int | float) and grounding < SUPPORTED
    found = {
        "given": True,
        "not_found": not facts.get("found") and not facts.get("blocked"),
        "blocked": bool(facts.get("blocked")),
        "empty": facts.get("passages") == 0,
        "degraded": bool(facts.get("degraded_mode")),
        "fallback": bool(facts.get("fallback")),
        "generated": generated,
        "unsupported": rejected or (generated and low),
    }
    return [kind for kind, applies in found.items() if applies]
