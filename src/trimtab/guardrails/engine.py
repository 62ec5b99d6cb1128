"""Runs guards in parallel under one deadline and combines their verdicts."""

import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeVar

from cachetools import LRUCache

from trimtab.guardrails.bypass import Bypass
from trimtab.guardrails.guard import GuardConfig, Subject
from trimtab.guardrails.metrics import GuardCounters, GuardMetrics
from trimtab.guardrails.rules import GuardRules, LiveRules, seconds
from trimtab.guardrails.verdicts import Decision, Outcome, Verdict, combine_validation_results
from trimtab.kernel.clock import Clock, machine_clock

P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger(__name__)
_CACHED = 2_000
_Key = tuple[int, str, GuardRules, bytes]
"""Generation of the guards, guard name, rules, and digest of the text."""


class GuardEngine:
    """Runs the guards of one stage: questions, passages or answers.

    A guard that times out or fails gets the verdict of its policy, never "allow" by default. One
    deadline, counted from the start of the check, covers all guards. The thread of a late guard is
    not stopped; while late guards occupy all threads, further checks time out too.

    Args:
        configs: The guards with their policies.
        rules: The rules in force.
        bypass: Switches bypassable guards to shadow mode.
        clock: Measures the duration of checks.
        deadline_seconds: Deadline of a check, for all guards together.
    """

    def __init__(
        self,
        configs: Sequence[GuardConfig],
        rules: LiveRules,
        bypass: Bypass,
        clock: Clock,
        deadline_seconds: float = 2.0,
    ) -> None:
        self.configs = tuple(configs)
        self.rules = rules
        self.bypass = bypass
        self._machine = machine_clock(clock)
        self._deadline_seconds = deadline_seconds
        self._counters = GuardCounters()
        self._cache: LRUCache[_Key, Verdict] = LRUCache(_CACHED)
        self._generation = 0
        """Number of replacements of the guards: verdicts of former guards are not reused."""
        self._cache_lock = threading.Lock()
        self._pool = ThreadPoolExecutor(4 * max(1, len(self.configs)), "guard")
        self._pool_lock = threading.Lock()

    def check(self, subject: Subject) -> Outcome:
        """Run all guards on the subject within the deadline."""
        return self.check_many((subject,))[0]

    def check_many(self, subjects: Sequence[Subject]) -> list[Outcome]:
        """Return the outcome of each subject, in order, under one common deadline."""
        rules, bypassed = self.rules.now(), self.bypass.active() is not None
        configs, generation = self._snapshot()
        started = self._machine.monotonic()
        calls = [
            _Call(number, config, subject, _key(config, rules, subject, generation))
            for number, subject in enumerate(subjects)
            for config in configs
        ]
        for call in calls:
            call.verdict = self._read_cache(call)
            if call.verdict is None:
                call.future = self._start(self._run_guard, call.config, call.subject, rules)
        for call in sorted(calls, key=lambda call: self._limit(call.config, rules)):
            verdict = call.verdict or self._collect(call, self._limit(call.config, rules), started)
            shadow = bypassed and call.config.policy.bypassable
            call.verdict = replace(verdict, shadow=True) if shadow else verdict
        return [_outcome(calls, number) for number in range(len(subjects))]

    def get_metrics(self, *, drill: bool = False) -> GuardMetrics:
        """Return the counters since the start, for user traffic or for drills."""
        return self._counters.snapshot(drill=drill)

    def review(self, *, wrongly_blocked: bool) -> None:
        """Record a reviewer's opinion on a block, for the false-positive rate."""
        self._counters.review(wrongly_blocked=wrongly_blocked)

    @property
    def cached_verdicts(self) -> int:
        """Return the number of cached verdicts."""
        with self._cache_lock:
            return len(self._cache)

    def clear_cache(self) -> int:
        """Clear the verdict cache; return the number of verdicts removed."""
        with self._cache_lock:
            count = len(self._cache)
            self._cache.clear()
        return count

    def failing_on(self, subject: Subject) -> frozenset[str]:
        """Health probe: run every guard on a text, bypassing cache and metrics.

        Returns the names of the guards that failed or timed out.
        """
        rules = self.rules.now()
        started = self._machine.monotonic()
        running = {
            config.guard.name: (config, self._start(config.guard.check, subject, rules))
            for config in self.configs
        }
        failing = set()
        for name, (config, future) in running.items():
            self._wait(future, self._limit(config, rules), started)
            if not future.done() or future.exception() is not None:
                failing.add(name)
        return frozenset(failing)

    def replace(self, configs: Sequence[GuardConfig]) -> tuple[GuardConfig, ...]:
        """Replace the guards, their threads and the cache; return the former guards."""
        fresh = ThreadPoolExecutor(4 * max(1, len(configs)), "guard")
        with self._pool_lock:
            former, self.configs = self.configs, tuple(configs)
            self._generation += 1
            old_pool, self._pool = self._pool, fresh
        # Queued checks still run: cancelling them would fail requests because of a restart.
        old_pool.shutdown(wait=False)
        self.clear_cache()
        return former

    def close(self) -> None:
        """Shut down the executor; pending checks are cancelled."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _snapshot(self) -> tuple[tuple[GuardConfig, ...], int]:
        """Return guards and generation, consistent under a concurrent restart."""
        with self._pool_lock:
            return self.configs, self._generation

    def _start(self, judge: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit the call to the executor, safe under a concurrent restart."""
        with self._pool_lock:
            return self._pool.submit(judge, *args, **kwargs)

    def _limit(self, config: GuardConfig, rules: GuardRules) -> float:
        own = config.policy.timeout_seconds
        if config.guard.name == "facts":
            own = seconds(rules.fact_check_timeout)
        return min(self._deadline_seconds, own or self._deadline_seconds)

    def _run_guard(self, config: GuardConfig, subject: Subject, rules: GuardRules) -> Verdict:
        started = self._machine.monotonic()
        judged = config.guard.check(subject, rules)
        elapsed_ms = (self._machine.monotonic() - started) * 1000
        return Verdict(
            config.guard.name,
            judged.decision,
            judged.score,
            judged.reason,
            judged.findings,
            round(elapsed_ms, 3),
        )

    def _wait(self, future: Future[T], limit: float, started: float) -> None:
        """Wait for the call; the limit counts from ``started``."""
        left = limit - (self._machine.monotonic() - started)
        wait((future,), timeout=max(0.0, left))

    def _collect(self, call: "_Call", limit: float, started: float) -> Verdict:
        """Return the guard's verdict, or its policy's on timeout or error."""
        config, future = call.config, call.future
        if future is None:
            raise ValueError("a call that was not started has no verdict")
        self._wait(future, limit, started)
        if not future.done():
            future.cancel()
            return self._record_failure(
                config, config.policy.on_timeout, f"no verdict within {limit:g} s", limit
            )
        error = future.exception()
        if error is not None:
            _log.error("guard failed", extra={"guard": config.guard.name}, exc_info=error)
            return self._record_failure(
                config, config.policy.on_error, f"failed: {type(error).__name__}", 0.0
            )
        verdict = future.result()
        with self._cache_lock:
            # The key holds the generation of the guard: after a restart the entry is never read.
            self._cache[call.key] = verdict
        self._counters.count(verdict)
        return verdict

    def _record_failure(
        self, config: GuardConfig, decision: Decision, reason: str, waited: float
    ) -> Verdict:
        verdict = Verdict(config.guard.name, decision, None, reason, (), round(waited * 1000, 3))
        self._counters.count(verdict, failed=True)
        return verdict

    def _read_cache(self, call: "_Call") -> Verdict | None:
        with self._cache_lock:
            verdict = self._cache.get(call.key)
        if verdict is None:
            return None
        cached = replace(verdict, cached=True, duration_ms=0.0)
        self._counters.count(cached)
        return cached


@dataclass(slots=True, eq=False)
class _Call:
    """Check of one text by one guard."""

    number: int
    """Index of the text among the subjects of the check."""
    config: GuardConfig
    subject: Subject
    key: _Key
    future: Future[Verdict] | None = None
    verdict: Verdict | None = None


def _outcome(calls: Sequence[_Call], number: int) -> Outcome:
    return combine_validation_results(
        call.verdict for call in calls if call.number == number and call.verdict is not None
    )


def _key(config: GuardConfig, rules: GuardRules, subject: Subject, generation: int) -> _Key:
    digest = hashlib.sha256()
    for part in (subject.text, subject.question, *subject.sources):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part.encode("utf-8", "surrogatepass"))
    return generation, config.guard.name, rules, digest.digest()
