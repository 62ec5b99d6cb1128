"""A stage that does not answer in time is given up, so that its asker gets an answer from the next best.

Python cannot stop a thread. A call that is given up runs on in its thread until its own timeout ends it; so that such
calls cannot pile up, only so many may be under way, and one more is refused at once.
"""

import contextvars
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.generate import Draft, Generator
from trimtab.answers.pieces import DraftSentence, pieces
from trimtab.answers.pipeline import Retriever
from trimtab.answers.records import Passage, Retrieved
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.errors import DeadlineExceeded, Unavailable

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Deadlines:
    """Runs calls in threads and waits so long and no longer.

    Args:
        clock: Deadlines are in the machine's seconds, also beside a drill's fast clock.
        most_under_way: How many calls may run at once, those given up included.
    """

    def __init__(self, clock: Clock, most_under_way: int = 64) -> None:
        self.clock = machine_clock(clock)
        self._slots = threading.BoundedSemaphore(most_under_way)

    def run(self, stage: str, seconds: float, call: Callable[[], _T]) -> _T:
        """Return what the call returns, or raise what it raises.

        Raises:
            DeadlineExceeded: It took longer, or too many calls that were given up are still under way.
        """
        if not self._slots.acquire(blocking=False):
            raise DeadlineExceeded(f"Too many {stage} calls are under way.")
        box: list[_T] = []
        failure: list[BaseException] = []
        done = threading.Event()

        def work() -> None:
            try:
                box.append(call())
            except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread.
                failure.append(error)
            finally:
                self._slots.release()
                done.set()

        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(work,), name=stage, daemon=True).start()
        if not self.clock.wait(done, seconds):
            raise DeadlineExceeded(f"The {stage} stage took longer than {seconds:g} s.")
        if failure:
            raise failure[0]
        return box[0]


@dataclass(frozen=True, slots=True)
class TimedGenerator:
    """A generator under a deadline for the whole reply, which no per-read timeout gives."""

    inner: Generator
    deadlines: Deadlines
    seconds: float

    def generate(self, question: str, passages: Sequence[Passage]) -> Draft:
        """Return the inner draft, or raise `GeneratorUnavailable` when it is late."""
        try:
            return self.deadlines.run(
                "generate", self.seconds, lambda: self.inner.generate(question, passages)
            )
        except DeadlineExceeded as error:
            raise GeneratorUnavailable(error.message) from error

    def stream(self, question: str, passages: Sequence[Passage]) -> Iterator[DraftSentence | Draft]:
        """Yield the inner pieces until the deadline, then raise `GeneratorUnavailable`.

        No piece is waited for longer: a reply that dribbles never runs into a timeout of its own.
        """
        clock = self.deadlines.clock
        until = clock.monotonic() + self.seconds
        inner = pieces(self.inner, question, passages)
        while True:
            left = max(0.0, until - clock.monotonic())
            try:
                piece = self.deadlines.run("generate", left, lambda: next(inner, None))
            except DeadlineExceeded as error:
                raise GeneratorUnavailable(
                    f"The model took longer than {self.seconds:g} s."
                ) from error
            if piece is None:
                return
            yield piece


@dataclass(frozen=True, slots=True)
class TimedRetriever:
    """A retriever under a deadline, with another one (keywords only) for when it is late or down."""

    inner: Retriever
    deadlines: Deadlines
    seconds: float
    fallback: Retriever | None = None

    def search(
        self, project: str, query: str, top_k: int, *, labels: tuple[str, ...] = ()
    ) -> Retrieved:
        """Return the passages; those of the fallback are marked as degraded.

        Raises:
            Unavailable: Retrieval is late or down and so is its fallback, or there is none.
        """
        asked = (project, query, top_k)
        try:
            return self._within(self.inner, asked, labels)
        except Unavailable as error:
            if self.fallback is None:
                raise
            _log.warning("retrieval fell back to keywords", extra={"reason": error.message})
        return replace(self._within(self.fallback, asked, labels), degraded_mode=True)

    def _within(
        self, retriever: Retriever, asked: tuple[str, str, int], labels: tuple[str, ...]
    ) -> Retrieved:
        return self.deadlines.run(
            "retrieve", self.seconds, lambda: retriever.search(*asked, labels=labels)
        )
