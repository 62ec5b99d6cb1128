"""Runs guards in parallel under one deadline and puts their verdicts together."""

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import ParamSpec, TypeVar

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


class GuardEngine:
    """The guards of one direction: those of questions, or those of answers.

    A guard that is late or fails gets the verdict of its policy, never "allow" by default; a late guard's thread is
    left to finish, and when all threads are taken by late guards the next texts are judged "late" too.

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
        self._cache: OrderedDict[tuple[str, GuardRules, bytes], Verdict] = OrderedDict()
        self._cache_lock = threading.Lock()
        self._pool = ThreadPoolExecutor(4 * max(1, len(self.posts)), "guard")
        self._pool_lock = threading.Lock()

    def check(self, subject: Subject) -> Outcome:
        """Return the verdicts of all guards on the subject, within the deadline."""
        rules, bypassed = self.rules.now(), self.bypass.active() is not None
        posts = self.posts  # A restart may replace them meanwhile.
        known = {post.guard.name: self._known(post, subject, rules) for post in posts}
        running = {
            post.guard.name: self._start(self._timed, post, subject, rules)
            for post in posts
            if known[post.guard.name] is None
        }
        verdicts = []
        for post in sorted(posts, key=lambda post: self._limit(post, rules)):
            name = post.guard.name
            verdict = known[name] or self._collected(post, running[name], subject, rules)
            shadow = bypassed and post.policy.bypassable
            verdicts.append(replace(verdict, shadow=True) if shadow else verdict)
        return combine_validation_results(verdicts)

    def get_metrics(self) -> GuardMetrics:
        """Return what was counted since the start."""
        return self._counters.snapshot()

    def review(self, *, wrongly_blocked: bool) -> None:
        """Count a person's opinion of a block, for the false-positive rate."""
        self._counters.review(wrongly_blocked=wrongly_blocked)

    def clear_cache(self) -> int:
        """Forget all cached verdicts; return how many there were."""
        with self._cache_lock:
            count = len(self._cache)
            self._cache.clear()
        return count

    def failing_on(self, subject: Subject) -> frozenset[str]:
        """Put a text to all guards, uncached and uncounted; return those that fail or are late."""
        rules = self.rules.now()
        running = {
            post.guard.name: (post, self._start(post.guard.check, subject, rules))
            for post in self.posts
        }
        failing = set()
        for name, (post, future) in running.items():
            wait((future,), timeout=self._limit(post, rules))
            if not future.done() or future.exception() is not None:
                failing.add(name)
        return frozenset(failing)

    def replace(self, posts: Sequence[Post]) -> tuple[Post, ...]:
        """Put other guards at the posts, with fresh threads and an empty cache; return the former posts."""
        former, self.posts = self.posts, tuple(posts)
        fresh = ThreadPoolExecutor(4 * max(1, len(self.posts)), "guard")
        with self._pool_lock:
            worn, self._pool = self._pool, fresh
        # What waits for a thread is still judged: to cancel it would fail its asker for the sake of a repair.
        worn.shutdown(wait=False)
        self.clear_cache()
        return former

    def close(self) -> None:
        """Let no further guard start."""
        self._pool.shutdown(wait=False, cancel_futures=True)

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

    def _collected(
        self, post: Post, future: Future[Verdict], subject: Subject, rules: GuardRules
    ) -> Verdict:
        """Return the guard's verdict, or its policy's when it is late or has failed."""
        limit = self._limit(post, rules)
        wait((future,), timeout=limit)
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
            self._cache[_key(post, rules, subject)] = verdict
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        self._counters.count(verdict)
        return verdict

    def _failed(self, post: Post, decision: Decision, reason: str, waited: float) -> Verdict:
        verdict = Verdict(post.guard.name, decision, None, reason, (), round(waited * 1000, 3))
        self._counters.count(verdict, failed=True)
        return verdict

    def _known(self, post: Post, subject: Subject, rules: GuardRules) -> Verdict | None:
        with self._cache_lock:
            verdict = self._cache.get(_key(post, rules, subject))
        if verdict is None:
            return None
        cached = replace(verdict, cached=True, duration_ms=0.0)
        self._counters.count(cached)
        return cached


def _key(post: Post, rules: GuardRules, subject: Subject) -> tuple[str, GuardRules, bytes]:
    digest = hashlib.sha256()
    for part in (subject.text, subject.question, *subject.sources):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part.encode("utf-8", "surrogatepass"))
    return post.guard.name, rules, digest.digest()
