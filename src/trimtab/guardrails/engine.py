"""Runs guards in parallel under one deadline and puts their verdicts together."""

import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeVar

from cachetools import LRUCache

from trimtab.guardrails.bypass import Bypass
from trimtab.guardrails.guard import Post, Subject
from trimtab.guardrails.metrics import GuardCounters, GuardMetrics
from trimtab.guardrails.rules import GuardRules, LiveRules, seconds
from trimtab.guardrails.verdicts import Decision, Outcome, Verdict, combine_validation_results
from trimtab.kernel.clock import Clock, machine_clock

P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger(__name__)
_CACHED = 2_000
_Key = tuple[int, str, GuardRules, bytes]
"""Generation of the guards, guard, rules, and digest of the text."""


class GuardEngine:
    """The guards of one direction: those of questions, or those of answers.

    A guard that is late or fails gets the verdict of its policy, never "allow" by default. The deadline counts from the
    beginning for all guards together, however many of them are late. A late guard's thread is left to finish, and when
    all threads are taken by late guards the next texts are judged "late" too.

    Args:
        posts: The guards with their policies.
        rules: The rules in force.
        bypass: Whether bypassable guards only judge in the shadow now.
        clock: Times the guards.
        deadline_seconds: The longest that all guards together may take.
    """

    def __init__(
        self,
        posts: Sequence[Post],
        rules: LiveRules,
        bypass: Bypass,
        clock: Clock,
        deadline_seconds: float = 2.0,
    ) -> None:
        self.posts = tuple(posts)
        self.rules = rules
        self.bypass = bypass
        self._machine = machine_clock(clock)
        self._deadline_seconds = deadline_seconds
        self._counters = GuardCounters()
        self._cache: LRUCache[_Key, Verdict] = LRUCache(_CACHED)
        self._generation = 0
        """How often the guards were replaced: a verdict of former guards must not answer for the present ones."""
        self._cache_lock = threading.Lock()
        self._pool = ThreadPoolExecutor(4 * max(1, len(self.posts)), "guard")
        self._pool_lock = threading.Lock()

    def check(self, subject: Subject) -> Outcome:
        """Return the verdicts of all guards on the subject, within the deadline."""
        return self.check_many((subject,))[0]

    def check_many(self, subjects: Sequence[Subject]) -> list[Outcome]:
        """Return the outcome of each subject, in order; the deadline is one for all of them."""
        rules, bypassed = self.rules.now(), self.bypass.active() is not None
        posts, generation = self._present()
        started = self._machine.monotonic()
        calls = [
            _Call(number, post, subject, _key(post, rules, subject, generation))
            for number, subject in enumerate(subjects)
            for post in posts
        ]
        for call in calls:
            call.verdict = self._known(call)
            if call.verdict is None:
                call.future = self._start(self._timed, call.post, call.subject, rules)
        for call in sorted(calls, key=lambda call: self._limit(call.post, rules)):
            verdict = call.verdict or self._collected(call, self._limit(call.post, rules), started)
            shadow = bypassed and call.post.policy.bypassable
            call.verdict = replace(verdict, shadow=True) if shadow else verdict
        return [_outcome(calls, number) for number in range(len(subjects))]

    def get_metrics(self, *, drill: bool = False) -> GuardMetrics:
        """Return what was counted since the start, of users' texts or of those of drills."""
        return self._counters.snapshot(drill=drill)

    def review(self, *, wrongly_blocked: bool) -> None:
        """Count a person's opinion of a block, for the false-positive rate."""
        self._counters.review(wrongly_blocked=wrongly_blocked)

    @property
    def cached_verdicts(self) -> int:
        """Return how many verdicts are remembered."""
        with self._cache_lock:
            return len(self._cache)

    def clear_cache(self) -> int:
        """Forget all cached verdicts; return how many there were."""
        with self._cache_lock:
            count = len(self._cache)
            self._cache.clear()
        return count

    def failing_on(self, subject: Subject) -> frozenset[str]:
        """Put a text to all guards, uncached and uncounted; return those that fail or are late."""
        rules = self.rules.now()
        started = self._machine.monotonic()
        running = {
            post.guard.name: (post, self._start(post.guard.check, subject, rules))
            for post in self.posts
        }
        failing = set()
        for name, (post, future) in running.items():
            self._wait(future, self._limit(post, rules), started)
            if not future.done() or future.exception() is not None:
                failing.add(name)
        return frozenset(failing)

    def replace(self, posts: Sequence[Post]) -> tuple[Post, ...]:
        """Put other guards at the posts, with fresh threads and an empty cache; return the former posts."""
        fresh = ThreadPoolExecutor(4 * max(1, len(posts)), "guard")
        with self._pool_lock:
            former, self.posts = self.posts, tuple(posts)
            self._generation += 1
            worn, self._pool = self._pool, fresh
        # What waits for a thread is still judged: to cancel it would fail its asker for the sake of a repair.
        worn.shutdown(wait=False)
        self.clear_cache()
        return former

    def close(self) -> None:
        """Let no further guard start."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _present(self) -> tuple[tuple[Post, ...], int]:
        """Return the guards and their generation; a restart may replace them at any time."""
        with self._pool_lock:
            return self.posts, self._generation

    def _start(self, judge: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand the call to a thread; never to those that a restart is about to close."""
        with self._pool_lock:
            return self._pool.submit(judge, *args, **kwargs)

    def _limit(self, post: Post, rules: GuardRules) -> float:
        own = post.policy.timeout_seconds
        if post.guard.name == "facts":
            own = seconds(rules.fact_check_timeout)
        return min(self._deadline_seconds, own or self._deadline_seconds)

    def _timed(self, post: Post, subject: Subject, rules: GuardRules) -> Verdict:
        started = self._machine.monotonic()
        judged = post.guard.check(subject, rules)
        elapsed_ms = (self._machine.monotonic() - started) * 1000
        return Verdict(
            post.guard.name,
            judged.decision,
            judged.score,
            judged.reason,
            judged.findings,
            round(elapsed_ms, 3),
        )

    def _wait(self, future: Future[T], limit: float, started: float) -> None:
        """Wait until the limit has passed since the start of all guards, not since the last one was waited for."""
        left = limit - (self._machine.monotonic() - started)
        wait((future,), timeout=max(0.0, left))

    def _collected(self, call: "_Call", limit: float, started: float) -> Verdict:
        """Return the guard's verdict, or its policy's when it is late or has failed."""
        post, future = call.post, call.future
        if future is None:
            raise ValueError("a call that was not started has no verdict")
        self._wait(future, limit, started)
        if not future.done():
            future.cancel()
            return self._failed(
                post, post.policy.on_timeout, f"no verdict within {limit:g} s", limit
            )
        error = future.exception()
        if error is not None:
            _log.error("guard failed", extra={"guard": post.guard.name}, exc_info=error)
            return self._failed(post, post.policy.on_error, f"failed: {type(error).__name__}", 0.0)
        verdict = future.result()
        with self._cache_lock:
            # Under the generation that judged: after a restart nobody asks for it.
            self._cache[call.key] = verdict
        self._counters.count(verdict)
        return verdict

    def _failed(self, post: Post, decision: Decision, reason: str, waited: float) -> Verdict:
        verdict = Verdict(post.guard.name, decision, None, reason, (), round(waited * 1000, 3))
        self._counters.count(verdict, failed=True)
        return verdict

    def _known(self, call: "_Call") -> Verdict | None:
        with self._cache_lock:
            verdict = self._cache.get(call.key)
        if verdict is None:
            return None
        cached = replace(verdict, cached=True, duration_ms=0.0)
        self._counters.count(cached)
        return cached


@dataclass(slots=True, eq=False)
class _Call:
    """One guard's look at one text."""

    number: int
    """Of the text."""
    post: Post
    subject: Subject
    key: _Key
    future: Future[Verdict] | None = None
    verdict: Verdict | None = None


def _outcome(calls: Sequence[_Call], number: int) -> Outcome:
    return combine_validation_results(
        call.verdict for call in calls if call.number == number and call.verdict is not None
    )


def _key(post: Post, rules: GuardRules, subject: Subject, generation: int) -> _Key:
    digest = hashlib.sha256()
    for part in (subject.text, subject.question, *subject.sources):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part.encode("utf-8", "surrogatepass"))
    return generation, post.guard.name, rules, digest.digest()
