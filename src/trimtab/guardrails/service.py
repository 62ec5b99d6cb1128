"""Facade of the guardrails: three engines, rules, bypass and health probe."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from trimtab.guardrails.bypass import AuditLog, Bypass
from trimtab.guardrails.defaults import (
    answer_guards,
    passage_guards,
    question_guards,
    reload_weights,
)
from trimtab.guardrails.engine import GuardEngine
from trimtab.guardrails.guard import GuardConfig, Subject
from trimtab.guardrails.naming import name_detector
from trimtab.guardrails.pii.find import Finder
from trimtab.guardrails.pii.names import BoundedNames
from trimtab.guardrails.rules import GuardRules, LiveRules
from trimtab.guardrails.rules_file import RulesFile
from trimtab.infra.settings.sections.guardrails import GuardrailsSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.erasable_cache import clear_all

QUESTIONS, PASSAGES, ANSWERS = "questions", "passages", "answers"
PROBE = "probe"
"""Reported as failing when the probe itself fails: the state of the guards is unknown then."""
_log = logging.getLogger(__name__)
_PROBED = Subject(
    "The query cache holds 100 entries. [1]",
    "How many entries does the query cache hold?",
    ("The query cache holds 100 entries by default.",),
)
_PROBE_EVERY_SECONDS = 5.0
_NAMES_SHARE = 0.25
"""Share of the deadline for name detection; a timeout leaves time to judge the rest."""


class Guardrails:
    """Gives the service, the operator and the commands access to the guards.

    Args:
        settings: The initial rules, the deadline, and whether names are detected.
        clock: Measures checks and expires the bypass.
        audit: Records the bypass.

    Raises:
        NameDetectorMissing: Name detection is on, but the extra or the model is missing.
    """

    def __init__(self, settings: GuardrailsSettings, clock: Clock, audit: AuditLog) -> None:
        self.rules = LiveRules(_rules(settings))
        self.bypass = Bypass(clock, audit)
        # An empty path would be the working directory, and its files would be read as rules.
        file = Path(settings.rules_file) if settings.rules_file else None
        self.rules_file = RulesFile(file, self.rules, self.bypass, clock)
        """Polled by the scheduler every few seconds."""
        self.rules_file.look()
        self._clock = clock
        self._deadline_seconds = settings.deadline_seconds
        self._names = _names(settings)
        self.finder = Finder(self._names, self.rules)
        """Finds personal data by the settings; also used to redact stored texts."""
        self.questions = self._engine(question_guards(self.finder))
        self.passages = self._engine(passage_guards())
        self.answers = self._engine(answer_guards(self.finder))
        self._prober = _Prober(self._judge_probe, clock)

    @property
    def engines(self) -> dict[str, GuardEngine]:
        """Return the engines by stage: questions, passages, answers."""
        return {QUESTIONS: self.questions, PASSAGES: self.passages, ANSWERS: self.answers}

    def restart(self) -> int:
        """Rebuild all guards, weights and caches; return the number of guards."""
        reload_weights()
        if self._names is not None:
            self._names.renew()
        self.questions.replace(question_guards(self.finder))
        self.passages.replace(passage_guards())
        self.answers.replace(answer_guards(self.finder))
        self._prober.forget()
        return self.guard_count()

    def guard_count(self) -> int:
        """Return the number of guards in all engines."""
        return sum(len(engine.configs) for engine in self.engines.values())

    def cached_verdicts(self) -> int:
        """Return the number of verdicts that `clear_cache` would remove."""
        return sum(engine.cached_verdicts for engine in self.engines.values())

    def clear_cache(self) -> int:
        """Clear all caches; return the number of verdicts removed.

        This includes the process-wide caches of words and passages, which hold user text.
        """
        clear_all()
        return sum(engine.clear_cache() for engine in self.engines.values())

    def failing(self) -> frozenset[str]:
        """Return the guards that failed or timed out in the latest probe.

        Does not block: the probe runs in the background, at most every five seconds.
        """
        return self._prober.latest()

    def close(self) -> None:
        """Shut down the probe, the engines and the name detector."""
        self._prober.close()
        for engine in self.engines.values():
            engine.close()
        if self._names is not None:
            self._names.close()

    def _engine(self, configs: tuple[GuardConfig, ...]) -> GuardEngine:
        return GuardEngine(configs, self.rules, self.bypass, self._clock, self._deadline_seconds)

    def _judge_probe(self) -> frozenset[str]:
        found = (engine.failing_on(_PROBED) for engine in self.engines.values())
        failing = frozenset[str]().union(*found)
        # A guard without name detection still judges, but the missing detector must be reported.
        return failing | {"pii"} if self.finder.look(_PROBED.text).unchecked else failing


def _names(settings: GuardrailsSettings) -> BoundedNames | None:
    detector = name_detector(settings) if settings.enabled else None
    if detector is None:
        return None
    return BoundedNames(detector, settings.deadline_seconds * _NAMES_SHARE)


def _rules(settings: GuardrailsSettings) -> GuardRules:
    return GuardRules(
        settings.hallucination_threshold,
        settings.hallucination_block_threshold,
        settings.fact_check_timeout,
        settings.ethics_check_enabled,
        settings.injection_enabled,
        settings.pii_block_types,
    )


def _result_of(probe: Future[frozenset[str]]) -> frozenset[str]:
    error = probe.exception()
    if error is None:
        return probe.result()
    _log.error("the probe of the guards failed", exc_info=error)
    return frozenset((PROBE,))


class _Prober:
    """Runs a probe in the background and keeps its latest result."""

    def __init__(self, probe: Callable[[], frozenset[str]], clock: Clock) -> None:
        self._probe = probe
        self._clock = clock
        self._pool = ThreadPoolExecutor(1, "guard-probe")
        self._lock = threading.Lock()
        self._running: Future[frozenset[str]] | None = None
        self._found: frozenset[str] = frozenset()
        self._next = 0.0

    def latest(self) -> frozenset[str]:
        with self._lock:
            if self._running is not None and self._running.done():
                ended, self._running = self._running, None
                self._found = _result_of(ended)
            if self._running is None and self._clock.monotonic() >= self._next:
                self._next = self._clock.monotonic() + _PROBE_EVERY_SECONDS
                self._running = self._pool.submit(self._probe)
            return self._found

    def forget(self) -> None:
        """Discard the running probe; start a new one at the next read."""
        with self._lock:
            self._running = None
            self._next = 0.0

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
