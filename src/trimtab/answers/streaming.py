"""Answers sentence by sentence: each is released when its guard has seen it, the whole answer comes last."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.extractive import NOT_FOUND, ExtractiveGenerator
from trimtab.answers.generate import Draft, Generator
from trimtab.answers.pieces import DraftSentence, marks_in, pieces
from trimtab.answers.pipeline import Answers, Begun
from trimtab.answers.records import Answer, Citation, Judged, Question
from trimtab.kernel.clock import Clock

_log = logging.getLogger(__name__)
_GONE = "The asker went away before the answer was whole."


@dataclass(frozen=True, slots=True)
class Released:
    """A sentence that the asker may see now."""

    number: int
    """Counted from 1."""
    text: str
    citations: tuple[Citation, ...]
    """Those that no earlier sentence used."""


class SentenceGuard(Protocol):
    """Looks at one sentence before it is released."""

    def judge(self, question: str, sentence: DraftSentence) -> Judged:
        """Return whether the sentence may be shown."""
        ...


class OpenGuard:
    """Releases everything; for a pipeline whose guards look at the whole answer only."""

    def judge(self, question: str, sentence: DraftSentence) -> Judged:
        """Let it pass."""
        return Judged()


@dataclass(frozen=True, slots=True)
class StreamedAnswers:
    """Streams answers of a pipeline.

    A sentence once shown cannot be taken back, so the stages that judge a whole answer cannot help here: every
    sentence passes its guard first. The stream ends with the `Answer` made of the sentences that were released, which
    is traced like any other. When the asker goes away (the generator is closed) the model is asked no further, and what
    was said is traced and paid for.

    Args:
        answers: Does what comes before and after the writing.
        generator: Writes; sentences come as they become whole when it can stream, otherwise all at once.
        guard: Looks at each sentence.
        clock: Times the deadline.
        seconds: After this long no further sentence is waited for; what was released stands.
    """

    answers: Answers
    generator: Generator
    guard: SentenceGuard
    clock: Clock
    seconds: float = 60.0

    def stream(self, question: Question) -> Iterator[Released | Answer]:
        """Yield each released sentence and, last, the answer.

        Raises:
            InvalidInput: The question is unusable; before anything is yielded.
            TrimtabError: What the retriever raises; before anything is yielded.
        """
        begun = self.answers.begin(question)
        if begun.refusal:
            yield self.answers.refuse(begun)
            return
        writing = _Writing(self, begun)
        with begun.watch.stage("generate") as stage:
            try:
                yield from writing.released()
            except GeneratorExit:
                writing.gone = True
            draft = writing.draft()
            stage.outcome = writing.outcome(draft)
            stage.facts = {
                "model": draft.model,
                "citations": len(draft.citations),
                "streamed": True,
                "withheld": writing.withheld,
                **({"bypassed": writing.bypassed} if writing.bypassed else {}),
            }
        answer = self.answers.finish(begun, draft)
        if not writing.gone:
            yield answer


class _Writing:
    """One answer being streamed."""

    def __init__(self, owner: StreamedAnswers, begun: Begun) -> None:
        self._owner = owner
        self._begun = begun
        self._released: list[Released] = []
        self._whole: Draft | None = None
        self._notice = ""
        self._pool: dict[int, Citation] = {}
        self.withheld = 0
        self.bypassed: dict[str, str] = {}
        """What a bypass kept from taking effect, over all sentences."""
        self.gone = False
        """Whether the asker went away."""

    def released(self) -> Iterator[Released]:
        """Yield what the asker may see; falls back to quotes when nothing was shown before a failure."""
        try:
            yield from self._from(self._owner.generator)
        except GeneratorUnavailable as error:
            _log.warning("stream broke off", extra={"reason": error.message})
            self._notice = error.message
            if not self._released:
                yield from self._from(ExtractiveGenerator())

    def draft(self) -> Draft:
        """Return the draft of what was released."""
        whole = self._whole or Draft("", (), "interrupted", 0.0)
        notice = _GONE if self.gone else self._notice or whole.notice
        shown = tuple(citation for sentence in self._released for citation in sentence.citations)
        if self.withheld and not notice:
            notice = f"{self.withheld} of the sentences were withheld by a guard."
        if not self._released:
            return replace(whole, text=NOT_FOUND, citations=(), confidence=0.0, notice=notice)
        text = " ".join(sentence.text for sentence in self._released)
        confidence = whole.confidence or max((c.score for c in shown), default=0.0)
        return replace(whole, text=text, citations=shown, confidence=confidence, notice=notice)

    def outcome(self, draft: Draft) -> str:
        """Return the outcome of the stage."""
        if self.gone:
            return "interrupted"
        return "fallback" if draft.notice else "ok"

    def _from(self, generator: Generator) -> Iterator[Released]:
        clock, text = self._owner.clock, self._begun.question.text
        until = clock.monotonic() + self._owner.seconds
        for piece in pieces(generator, text, self._begun.retrieved.passages):
            if isinstance(piece, DraftSentence):
                self._pool |= {citation.number: citation for citation in piece.citations}
            if isinstance(piece, Draft):
                self._whole = piece
            elif self._is_withheld(text, piece):
                self.withheld += 1
            else:
                sentence = Released(len(self._released) + 1, piece.text, self._new(piece.text))
                self._released.append(sentence)
                yield sentence
            if clock.monotonic() > until and self._whole is None:
                raise GeneratorUnavailable(f"The model took longer than {self._owner.seconds:g} s.")

    def _is_withheld(self, question: str, sentence: DraftSentence) -> bool:
        judged = self._owner.guard.judge(question, self._with_all_citations(sentence))
        self.bypassed |= judged.bypassed
        return bool(judged.withheld)

    def _with_all_citations(self, sentence: DraftSentence) -> DraftSentence:
        """Return the sentence with every quote it cites, also those that an earlier sentence was the first to use."""
        numbers = dict.fromkeys(marks_in(sentence.text))
        return replace(sentence, citations=tuple(self._pool[n] for n in numbers if n in self._pool))

    def _new(self, text: str) -> tuple[Citation, ...]:
        """Return the citations of the sentence that no released one used; a withheld one may have come first."""
        shown = {c.number for sentence in self._released for c in sentence.citations}
        numbers = dict.fromkeys(marks_in(text))
        return tuple(self._pool[n] for n in numbers if n in self._pool and n not in shown)
