"""Workload of the guards' load test."""

import itertools
import threading
from collections.abc import Mapping, Sequence

from trimtab.guardrails.guard import Subject
from trimtab.guardrails.service import Guardrails
from trimtab.infra.settings.sections.guardrails import GuardrailsSettings
from trimtab.kernel.clock import Clock

TEXTS: Sequence[str] = (
    "How many entries does the query cache hold?",
    "¿Cuánto tiempo se guardan las trazas?",
    "Who is called when a runbook does not help, and after how many minutes?",
    "Wie groß darf ein Dokument sein?",
    "The order 4417-A was delivered on 12 March; when does its warranty of 24 months end?",
)
"""Ordinary questions; used when no file is given."""
_PASSAGE = "The query cache holds 100 entries by default. Traces are kept for 30 days."


class GuardLoad:
    """Passes texts through all guards of a question, a passage and an answer.

    Each text gets a number, so that no verdict comes from a cache. Safe to call from several
    threads.
    """

    def __init__(self, guardrails: Guardrails) -> None:
        self._guardrails = guardrails
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def check(self, text: str) -> str:
        """Check one text; return an empty string, since failures are counted by the engines."""
        with self._lock:
            number = next(self._numbers)
        question, passage = f"{text} ({number})", f"{_PASSAGE} Entry {number}."
        self._guardrails.questions.check(Subject(question))
        self._guardrails.passages.check(Subject(passage))
        self._guardrails.answers.check(Subject(f"{passage} [1]", question, (passage,)))
        return ""

    def failures(self) -> Mapping[str, int]:
        """Return the number of verdicts that failed or were late, by stage, without zeros."""
        counts = {
            stage: engine.get_metrics().failures
            for stage, engine in self._guardrails.engines.items()
        }
        return {stage: count for stage, count in counts.items() if count}


def unstored_guardrails(settings: GuardrailsSettings, clock: Clock) -> Guardrails:
    """Return guards whose audit entries are discarded: a load test starts no bypass."""
    return Guardrails(settings, clock, _Discarded())


class _Discarded:
    """Audit log that keeps nothing."""

    def append(
        self, actor: str, action: str, subject: str, facts: Mapping[str, object] | None = None
    ) -> None:
        """Discard the event."""
