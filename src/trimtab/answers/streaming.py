"""Streams answers sentence by sentence; each is released after its guard."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from trimtab.answers.drafts import (
    Draft,
    DraftSentence,
    Generator,
    Restart,
    marks_in,
    sources_of,
    with_sentences,
)
from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.extractive import NOT_FOUND, ExtractiveGenerator
from trimtab.answers.pipeline import AnswerPipeline, PipelineGuards, PreparedQuestion
from trimtab.answers.records import Answer, AnswerResult, Citation, Judged, Question
from trimtab.guardrails.guard import Subject
from trimtab.kernel.clock import Clock

_log = logging.getLogger(__name__)
_GONE = "The caller closed the stream before the answer was complete."


@dataclass(frozen=True, slots=True)
class Released:
    """A sentence that may be shown now."""

    number: int
    """Counted from 1."""
    text: str
    citations: tuple[Citation, ...]
    """Citations that no earlier sentence used."""


class SentenceGuard(Protocol):
    """Judges one sentence before it is released."""

    def judge(self, question: str, sentence: DraftSentence) -> Judged:
        """Return whether the sentence may be shown."""
        ...


class OpenGuard:
    """Releases every sentence."""

    def judge(self, question: str, sentence: DraftSentence) -> Judged:
        """Allow the sentence."""
        return Judged()


@dataclass(frozen=True, slots=True)
class GuardedSentences:
    """Judges an answer sentence by sentence, for streaming."""

    guards: PipelineGuards

    def judge(self, question: str, sentence: DraftSentence) -> Judged:
        """Judge the sentence against the quotes that it cites."""
        sources = sources_of(sentence.text, sentence.citations)
        outcome = self.guards.answers.check(Subject(sentence.text, question, sources))
        return Judged("" if outcome.allowed else outcome.reason, outcome.bypassed)


@dataclass(frozen=True, slots=True)
class AnswerStream:
    """Streams the answers of a pipeline.

    A sentence once shown cannot be taken back, so every sentence passes its guard first. The stream
    ends with the `Answer` made of the released sentences. When the caller closes the stream, the
    model is asked no further, and the answer so far is recorded.

    Args:
        pipeline: Does everything before and after the writing.
        generator: Writes.
        guard: Judges each sentence.
        record: Stores each answer with its trace; called once, before the answer is yielded.
        clock: Times the deadline.
        seconds: After this time no further sentence is waited for; what was released stands.
    """

    pipeline: AnswerPipeline
    generator: Generator
    guard: SentenceGuard
    record: Callable[[AnswerResult], Answer]
    clock: Clock
    seconds: float = 60.0

    def stream(self, question: Question) -> Iterator[Released | Answer]:
        """Yield each released sentence and, last, the answer.

        Raises:
            InvalidInput: The question is not valid; before anything is yielded.
            TrimtabError: What the retriever raises; before anything is yielded.
        """
        prepared = self.pipeline.prepare(question)
        if prepared.refusal:
            yield self.record(self.pipeline.refuse(prepared))
            return
        writing = _Writing(self, prepared)
        with prepared.stage("generate") as stage:
            try:
                yield from writing.release()
            except GeneratorExit:
                writing.closed = True
            draft = writing.draft()
            stage.outcome = writing.outcome(draft)
            stage.facts = {
                "model": draft.model,
                "citations": len(draft.citations),
                "streamed": True,
                "withheld": writing.withheld,
                **({"bypassed": writing.bypassed} if writing.bypassed else {}),
            }
        answer = self.record(self.pipeline.complete(prepared, draft))
        if not writing.closed:
            yield answer


class _Writing:
    """One answer being streamed."""

    def __init__(self, owner: AnswerStream, prepared: PreparedQuestion) -> None:
        self._owner = owner
        self._prepared = prepared
        self._released: list[Released] = []
        self._whole: Draft | None = None
        self._notice = ""
        self._pool: dict[int, Citation] = {}
        self.withheld = 0
        self.bypassed: dict[str, str] = {}
        """Verdicts that a bypass kept from taking effect, over all sentences."""
        self.closed = False
        """Whether the caller closed the stream."""

    def release(self) -> Iterator[Released]:
        """Yield released sentences; quotes when the generator fails before the first one."""
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
        notice = _GONE if self.closed else self._notice or whole.notice
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
        if self.closed:
            return "interrupted"
        return "fallback" if draft.notice else "ok"

    def _from(self, generator: Generator) -> Iterator[Released]:
        clock, text = self._owner.clock, self._prepared.question.text
        until = clock.monotonic() + self._owner.seconds
        for piece in with_sentences(generator.stream(text, self._prepared.retrieved.passages)):
            if isinstance(piece, Draft):
                self._whole = piece
            elif isinstance(piece, Restart):
                if self._released:
                    raise GeneratorUnavailable(piece.reason)
                self._pool, self.withheld = {}, 0
            else:
                self._pool |= {citation.number: citation for citation in piece.citations}
                if self._is_withheld(text, piece):
                    self.withheld += 1
                else:
                    new = self._new_citations(piece.text)
                    sentence = Released(len(self._released) + 1, piece.text, new)
                    self._released.append(sentence)
                    yield sentence
            if clock.monotonic() > until and self._whole is None:
                raise GeneratorUnavailable(f"The model took longer than {self._owner.seconds:g} s.")

    def _is_withheld(self, question: str, sentence: DraftSentence) -> bool:
        judged = self._owner.guard.judge(question, self._with_all_citations(sentence))
        self.bypassed |= judged.bypassed
        return bool(judged.withheld)

    def _with_all_citations(self, sentence: DraftSentence) -> DraftSentence:
        """Return the sentence with every quote it cites, also those cited before."""
        numbers = dict.fromkeys(marks_in(sentence.text))
        return replace(sentence, citations=tuple(self._pool[n] for n in numbers if n in self._pool))

    def _new_citations(self, text: str) -> tuple[Citation, ...]:
        """Return the sentence's citations that no released sentence used."""
        shown = {c.number for sentence in self._released for c in sentence.citations}
        numbers = dict.fromkeys(marks_in(text))
        return tuple(self._pool[n] for n in numbers if n in self._pool and n not in shown)
