"""Counts answers as they are given, for rates over any window."""

import math
import threading
from collections import Counter, deque
from collections.abc import Mapping

from trimtab.answers.extractive import MODEL as EXTRACTIVE
from trimtab.answers.grounding import SUPPORTED
from trimtab.kernel.clock import Clock
from trimtab.kernel.events import Event

_RECENT = 10_000
"""So many instants are remembered, for counts over minutes."""


class Tally:
    """Counters since the start; subscribe `heard` to ``answers.given``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._errors: deque[float] = deque(maxlen=_RECENT)
        self._given: deque[float] = deque(maxlen=_RECENT)
        self._counts: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()

    def heard(self, event: Event) -> None:
        """Count one answer."""
        facts = event.facts
        with self._lock:
            self._counts.update(_kinds(facts))
            self._given.append(self._clock.monotonic())
            if facts.get("fallback"):
                self._errors.append(self._clock.monotonic())

    def failed(self, code: str) -> None:
        """Count a question that ended in an error."""
        with self._lock:
            self._failed[code] += 1
            self._errors.append(self._clock.monotonic())

    def errors_between(self, start: float, end: float = math.inf) -> int:
        """Return how many questions failed, or fell back to another model, between two monotonic instants."""
        with self._lock:
            return sum(start <= at < end for at in self._errors)

    def error_ratio(self, seconds: float) -> float:
        """Return the share of the recent questions that failed or fell back; NaN when none was asked."""
        since = self._clock.monotonic() - seconds
        with self._lock:
            errors = sum(at >= since for at in self._errors)
            answered = sum(at >= since for at in self._given)
        asked = max(answered, errors)
        return errors / asked if asked else math.nan

    def count(self, kind: str) -> int:
        """Return how many there were: ``given``, ``not_found``, ``blocked``, ``empty``, ``degraded`` ..."""
        return self._counts[kind]

    @property
    def failures(self) -> Mapping[str, int]:
        """The failed questions by error code."""
        with self._lock:
            return dict(self._failed)


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
