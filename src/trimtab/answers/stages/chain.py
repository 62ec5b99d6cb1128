"""Fallback between generators in order of preference, each behind a circuit breaker."""

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from trimtab.answers.errors import GeneratorUnavailable, GeneratorUnknown
from trimtab.answers.generate import Draft, Generator
from trimtab.answers.pieces import DraftSentence, pieces
from trimtab.answers.records import Passage
from trimtab.infra.breaker import CircuitBreaker
from trimtab.kernel.clock import Clock

_log = logging.getLogger(__name__)


class FirstAvailable:
    """Asks the first generator whose circuit is closed, then the next; the first draft wins.

    A generator rests after so many failures in a row: a provider that hangs would otherwise cost every asker its
    whole timeout. After the rest exactly one call tries it again, while the others go to the next generator.

    Args:
        generators: Named, the preferred one first.
        clock: Times the rests.
        failures: How many in a row send a generator to rest.
        rest_seconds: How long.
    """

    def __init__(
        self,
        generators: Sequence[tuple[str, Generator]],
        clock: Clock,
        failures: int = 3,
        rest_seconds: float = 30.0,
    ) -> None:
        self._generators = tuple(generators)
        self._clock = clock
        self._limit = failures
        self._rest_seconds = rest_seconds
        self._lock = threading.Lock()
        self._breakers: dict[str, CircuitBreaker] = {}
        self.failed: Counter[str] = Counter()
        """Failures of each generator since the start."""

    def generate(self, question: str, passages: Sequence[Passage]) -> Draft:
        """Return the first draft; when it is not the preferred generator's, its notice says why.

        Raises:
            GeneratorUnavailable: All of them failed or rest.
        """
        reasons: list[str] = []
        for name, generator in self._awake(reasons):
            try:
                draft = generator.generate(question, passages)
            except GeneratorUnavailable as error:
                self._failed(name, error)
                reasons.append(error.message)
                continue
            self._succeeded(name)
            return replace(draft, notice=reasons[0]) if reasons else draft
        raise GeneratorUnavailable(reasons[-1] if reasons else "No generator is available.")

    def stream(self, question: str, passages: Sequence[Passage]) -> Iterator[DraftSentence | Draft]:
        """Yield the sentences of the first generator that has one, then its draft.

        A generator that fails after its first sentence ends the stream with what it said: another one would start the
        answer over.
        """
        reasons: list[str] = []
        for name, generator in self._awake(reasons):
            said = False
            try:
                for piece in pieces(generator, question, passages):
                    said = True
                    if isinstance(piece, Draft):
                        self._succeeded(name)  # Before the yield: the asker may not come back.
                    yield self._noted(piece, reasons)
            except GeneratorUnavailable as error:
                self._failed(name, error)
                if said:
                    raise
                reasons.append(error.message)
                continue
            return
        raise GeneratorUnavailable(reasons[-1] if reasons else "No generator is available.")

    def resting(self, name: str) -> bool:
        """Return whether that generator is not asked now."""
        return self._breaker(name).refuses

    @property
    def names(self) -> tuple[str, ...]:
        """The generators in the order in which they are asked."""
        return tuple(name for name, _ in self._generators)

    def prefer(self, name: str) -> str:
        """Ask that generator first from now on; return which one was first.

        Raises:
            GeneratorUnknown: There is none of that name.
        """
        with self._lock:
            before = self._generators
            if name not in {known for known, _ in before}:
                raise GeneratorUnknown(f"There is no generator {name!r}.")
            self._generators = tuple(sorted(before, key=lambda entry: entry[0] != name))
        return before[0][0]

    def put(self, name: str, generator: Generator | None) -> Generator | None:
        """Put another generator in that one's place, first when it is new, or take it out; return the former one."""
        with self._lock:
            before = dict(self._generators)
            former = before.get(name)
            if generator is None:
                before.pop(name, None)
            else:
                before = {
                    **({name: generator} if former is None else {}),
                    **before,
                    name: generator,
                }
            self._generators = tuple(before.items())
            self._breakers.pop(name, None)
        return former

    def _awake(self, reasons: list[str]) -> Iterator[tuple[str, Generator]]:
        for name, generator in self._generators:
            if self._breaker(name).allow():
                yield name, generator
            else:
                reasons.append(f"{name} rests after {self._limit} failures")

    def _breaker(self, name: str) -> CircuitBreaker:
        with self._lock:
            if name not in self._breakers:
                self._breakers[name] = CircuitBreaker(self._limit, self._rest_seconds, self._clock)
            return self._breakers[name]

    @staticmethod
    def _noted(piece: DraftSentence | Draft, reasons: Sequence[str]) -> DraftSentence | Draft:
        if isinstance(piece, Draft) and reasons:
            return replace(piece, notice=reasons[0])
        return piece

    def _failed(self, name: str, error: GeneratorUnavailable) -> None:
        self._breaker(name).failed()
        with self._lock:
            self.failed[name] += 1
        _log.warning("generator failed", extra={"generator": name, "reason": error.message})

    def _succeeded(self, name: str) -> None:
        self._breaker(name).succeeded()
