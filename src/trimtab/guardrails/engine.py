"""Runs guards in parallel under one deadline and combines their verdicts."""

import logging
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from hashlib import sha256
from operator import attrgetter

from cachetools import LRUCache

from trimtab.guardrails.bypass import Bypass
from trimtab.guardrails.guard import GuardConfig, Subject
from trimtab.guardrails.metrics import GuardCounters, GuardMetrics
from trimtab.guardrails.rules import GuardRules, LiveRules
from trimtab.guardrails.verdicts import SEVERITIES, Decision, Outcome, Verdict
from trimtab.kernel.clock import Clock, machine_clock

_log = logging.getLogger(__name__)
_CACHED = 2_000
_Key = tuple[int, str, GuardRules, bytes]
"""Generation of the guards, guard name, rules, and digest of the subject."""


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
        rules, bypassed = self.rules.current, self.bypass.active() is not None
        started = self._machine.monotonic()
        with self._pool_lock:  # Both of the same restart.
            configs, generation = self.configs, self._generation
        calls = list[_Call]()
        for subject in subjects:
            digest = sha256(repr(subject).encode()).digest()
            for config in configs:
                call = _Call(
                    config,
                    self._limit(config, rules),
                    (generation, config.guard.name, rules, digest),
                )
                with self._cache_lock:
                    cached = self._cache.get(call.key)
                if cached is None:
                    with self._pool_lock:  # A restart replaces the pool.
                        call.running = self._pool.submit(self._run_guard, config, subject, rules)
                else:
                    call.verdict = replace(cached, cached=True, duration_ms=0.0)
                    self._counters.count(call.verdict)
                calls.append(call)
        for call in sorted(calls, key=attrgetter("limit")):
            verdict = call.verdict or self._collect(call, started)
            shadow = bypassed and call.config.policy.bypassable
            call.verdict = replace(verdict, shadow=True) if shadow else verdict
        verdicts, width = [call.verdict for call in calls if call.verdict], len(configs)
        parts = (verdicts[width * n : width * (n + 1)] for n in range(len(subjects)))
        return [combine_validation_results(part) for part in parts]

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
        rules = self.rules.current
        started = self._machine.monotonic()
        with self._pool_lock:
            running = [
                (config, self._pool.submit(config.guard.check, subject, rules))
                for config in self.configs
            ]
        failing = set()
        for config, future in running:
            left = self._limit(config, rules) - (self._machine.monotonic() - started)
            wait((future,), max(0.0, left))
            if not future.done() or future.exception() is not None:
                failing.add(config.guard.name)
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

    def _limit(self, config: GuardConfig, rules: GuardRules) -> float:
        """Return the seconds of this guard, counted from the start of the check."""
        own = config.policy.timeout_seconds
        if config.guard.name == "facts":
            own = rules.fact_check_seconds
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

    def _collect(self, call: "_Call", started: float) -> Verdict:
        """Wait for the guard; return its verdict, or its policy's on timeout or error."""
        name, policy, running = call.config.guard.name, call.config.policy, call.running
        if running is None:
            raise ValueError("a call that was not started has no verdict")
        wait((running,), max(0.0, call.limit - (self._machine.monotonic() - started)))
        failed = True
        if not running.done():
            running.cancel()
            reason, waited_ms = f"no verdict within {call.limit:g} s", round(call.limit * 1000, 3)
            verdict = Verdict(name, policy.on_timeout, None, reason, (), waited_ms)
        elif (error := running.exception()) is not None:
            _log.error("guard failed", extra={"guard": name}, exc_info=error)
            reason = f"failed: {type(error).__name__}"
            verdict = Verdict(name, policy.on_error, None, reason, (), 0.0)
        else:
            verdict, failed = running.result(), False
            with self._cache_lock:
                # The key holds the generation of the guard: after a restart it is never read.
                self._cache[call.key] = verdict
        self._counters.count(verdict, failed=failed)
        return verdict


@dataclass(slots=True, eq=False)
class _Call:
    """Check of one text by one guard: its verdict from the cache, or the running check."""

    config: GuardConfig
    limit: float
    key: _Key
    running: Future[Verdict] | None = None
    verdict: Verdict | None = None


def combine_validation_results(verdicts: Iterable[Verdict]) -> Outcome:
    """Return the most severe decision, without shadow verdicts; allow by default."""
    collected = tuple(verdicts)
    effective = [verdict for verdict in collected if not verdict.shadow]
    decisions = [verdict.decision for verdict in effective]
    worst = max(decisions, key=SEVERITIES.index, default=Decision.ALLOW)
    reasons = (f"{v.guard}: {v.reason}" for v in effective if v.decision is worst)
    return Outcome(
        worst,
        collected,
        allowed=worst in (Decision.ALLOW, Decision.WARN),
        reason="" if worst is Decision.ALLOW else next(reasons),
        bypassed={
            verdict.guard: verdict.decision.value
            for verdict in collected
            if verdict.shadow and verdict.decision is not Decision.ALLOW
        },
    )
