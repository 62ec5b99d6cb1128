"""Counts answers as they are given, for rates over any window."""

import threading
from collections import Counter
from collections.abc import Mapping

from trimtab.answers.extractive import MODEL as EXTRACTIVE
from trimtab.answers.grounding import SUPPORTED
from trimtab.kernel.events import Event


class Tally:
    """Counters since the start; subscribe `heard` to ``answers.given``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()

    def heard(self, event: Event) -> None:
        """Count one answer."""
        facts = event.facts
        with self._lock:
            self._counts.update(_kinds(facts))

    def failed(self, code: str) -> None:
        """Count a question that ended in an error."""
        with self._lock:
            self._failed[code] += 1

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
"""``generated``: a model's found answers; ``unsupported``: those whose grounding is under 0.85."""


def _kinds(facts: Mapping[str, object]) -> list[str]:
    grounding = facts.get("grounding", facts.get("confidence", 1.0))
    generated = bool(facts.get("found")) and facts.get("model") != EXTRACTIVE
    low = isinstance(grounding, int | float) and grounding < SUPPORTED
    found = {
        "given": True,
        "not_found": not facts.get("found") and not facts.get("blocked"),
        "blocked": bool(facts.get("blocked")),
        "empty": facts.get("passages") == 0,
        "degraded": bool(facts.get("degraded_mode")),
        "fallback": bool(facts.get("fallback")),
        "generated": generated,
        "unsupported": generated and low,
    }
    return [kind for kind, applies in found.items() if applies]
