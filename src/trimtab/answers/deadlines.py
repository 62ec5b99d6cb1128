"""Pipeline stages under a deadline: retrieval with a fallback, and generation.

Python cannot stop a thread. A call that is given up runs on until its own timeout; a limit on the
calls under way keeps such calls from piling up.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from trimtab.answers.drafts import Generator, Piece
from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.records import Question, Retrieved, SourcePassage
from trimtab.kernel.errors import DeadlineExceeded, Unavailable

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
NOWHERE = "nowhere"
"""The target that takes a project out of service: its questions find nothing."""


class Deadlines:
    """Runs calls in a pool of threads that all stages share.

    The pool does not delay the end of the process. `ThreadPoolExecutor` waits for its threads at
    exit, also for a call that never returns.

    Args:
        max_running: Maximum number of calls under way, those given up included.
    """

    def __init__(self, max_running: int = 64) -> None:
        self._slots = threading.BoundedSemaphore(max_running)
        self._max_threads = max_running
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads = 0

    def submit(self, stage: str, call: Callable[[], _T]) -> Future[_T]:
        """Start the call in the context of the caller.

        Raises:
            DeadlineExceeded: Too many calls are under way.
        """
        if not self._slots.acquire(blocking=False):
            raise DeadlineExceeded(f"Too many {stage} calls are under way.")
        future = Future[_T]()
        self._calls.put((future, partial(contextvars.copy_context().run, call)))
        if not self._idle.acquire(blocking=False):
            with self._lock:
                is_new = self._threads < self._max_threads
                self._threads += is_new
            if is_new:
                threading.Thread(target=self._work, name="deadline", daemon=True).start()
        return future

    def run(self, stage: str, seconds: float, call: Callable[[], _T]) -> _T:
        """Return what the call returns, or raise what it raises.

        Raises:
            DeadlineExceeded: It took longer, in seconds of the machine, or too many calls are under
                way.
        """
        future = self.submit(stage, call)
        try:
            return future.result(seconds)
        except FutureTimeout as error:
            if future.done():
                raise  # The call's own error: it did not exceed the deadline.
            raise _late(stage, seconds) from error

    def close(self) -> None:
        """End each thread after its call; calls under way are left to finish."""
        for _ in range(self._threads):
            self._calls.put(None)

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            future, call = item
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - raised again by the caller.
                self._release()
                future.set_exception(error)
            else:
                self._release()
                future.set_result(result)
            del item, future, call

    def _release(self) -> None:
        """Free the slot and the thread before the result is seen: the next call needs them."""
        self._idle.release()
        self._slots.release()


def _late(stage: str, seconds: float) -> DeadlineExceeded:
    return DeadlineExceeded(f"The {stage} stage took longer than {seconds:g} s.")


class Retriever(Protocol):
    """Finds passages for a question."""

    def search(
        self, project: str, query: str, top_k: int, *, labels: tuple[str, ...] = ()
    ) -> Retrieved:
        """Return at most ``top_k`` passages of the project that these labels permit, best first."""
        ...


class RetrievalStage:
    """Searches within a deadline.

    Args:
        retriever: Searches.
        deadlines: Runs the searches.
        seconds: The deadline.
        fallback: Searches by keywords alone when the retriever is late or down; None raises the
            error.
    """

    def __init__(
        self,
        retriever: Retriever,
        deadlines: Deadlines,
        seconds: float,
        fallback: Retriever | None = None,
    ) -> None:
        self._retriever = retriever
        self._deadlines = deadlines
        self._seconds = seconds
        self._fallback = fallback
        self._routes: dict[str, str] = {}
        self._lock = threading.Lock()

    def search(
        self, project: str, query: str, top_k: int, *, labels: tuple[str, ...] = ()
    ) -> Retrieved:
        """Return the passages of the project or of its route's target; the fallback's are degraded.

        Raises:
            Unavailable: The retriever is late or down, and so is its fallback, or there is none.
        """
        target = self._routes.get(project, project)
        if target == NOWHERE and project != NOWHERE:
            return Retrieved(())
        search = partial(self._retriever.search, target, query, top_k, labels=labels)
        try:
            # Not `Deadlines.run`: one frame less in every question's stack.
            future = self._deadlines.submit("retrieve", search)
            try:
                return future.result(self._seconds)
            except FutureTimeout:
                if future.done():
                    raise
                raise _late("retrieve", self._seconds) from None
        except Unavailable as error:
            if self._fallback is None:
                raise
            _log.warning("retrieval fell back to keywords", extra={"reason": error.message})
        search = partial(self._fallback.search, target, query, top_k, labels=labels)
        found = self._deadlines.run("retrieve", self._seconds, search)
        return replace(found, degraded_mode=True)

    @property
    def routes(self) -> Mapping[str, str]:
        """The routes that are set."""
        with self._lock:
            return dict(self._routes)

    def set_route(self, project: str, target: str) -> None:
        """Answer the project's questions from the target.

        ``nowhere`` finds nothing; the project itself ends the route.

        Raises:
            BadProjectName: A name is not valid.
        """
        for name in (project, target):
            Question(name, "name").validate()
        with self._lock:
            if project == target:
                self._routes.pop(project, None)
            else:
                self._routes[project] = target

    def replace_routes(self, routes: Mapping[str, str]) -> None:
        """Put the routes of another process in force, which has validated them."""
        with self._lock:
            self._routes.clear()
            self._routes.update(routes)

    def reset_routes(self) -> Mapping[str, str]:
        """End all routes and return them."""
        with self._lock:
            before = dict(self._routes)
            self._routes.clear()
        return before


@dataclass(frozen=True, slots=True)
class TimedGenerator:
    """A generator with a deadline for the whole reply, which no per-read timeout gives."""

    inner: Generator
    deadlines: Deadlines
    seconds: float

    def stream(self, question: str, passages: Sequence[SourcePassage]) -> Iterator[Piece]:
        """Yield the inner pieces until the deadline, then raise `GeneratorUnavailable`."""
        until = time.monotonic() + self.seconds  # Of the machine, also under a drill's fast clock.
        inner = self.inner.stream(question, passages)
        while True:
            left = max(0.0, until - time.monotonic())
            try:
                piece = self.deadlines.run("generate", left, lambda: next(inner, None))
            except DeadlineExceeded as error:
                raise GeneratorUnavailable(
                    f"The model took longer than {self.seconds:g} s."
                ) from error
            if piece is None:
                return
            yield piece
