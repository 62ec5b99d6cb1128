"""Drafts of an answer, and the port through which a generator writes them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from trimtab.answers.records import Citation, SourcePassage

_MARKS = re.compile(r"(?:\[\d{1,3}\])++\s*+")
_MARK = re.compile(r"\[(\d{1,3})\]")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens used; zero for the extractive generator, which uses none."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    """Cost of the tokens; 0 where no price is set."""


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """A whole sentence with its marks, and the citations that it is the first to use."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A written answer before its guards; without citations when nothing was found."""

    text: str
    citations: tuple[Citation, ...]
    model: str
    confidence: float
    usage: Usage = Usage()
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Restart:
    """The pieces so far are void: their generator failed, and the next one starts over."""

    reason: str


Piece = DraftSentence | Draft | Restart


class Generator(Protocol):
    """Writes an answer from passages."""

    def stream(self, question: str, passages: Sequence[SourcePassage]) -> Iterator[Piece]:
        """Yield sentences as they become whole, then the draft; or only the draft.

        Raises:
            GeneratorUnavailable: The model failed or was late; sentences may have been yielded
                before.
        """
        ...


def last_draft(pieces: Iterable[Piece]) -> Draft:
    """Return the draft at the end of a stream."""
    *_, draft = pieces
    if not isinstance(draft, Draft):
        raise TypeError("a generator ends its stream with the draft")
    return draft


def with_sentences(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield the pieces; before a draft whose sentences did not come, yield its sentences."""
    streamed = False
    for piece in pieces:
        if isinstance(piece, Draft) and not streamed:
            yield from sentences_of(piece)
        streamed = isinstance(piece, DraftSentence) or (streamed and not isinstance(piece, Restart))
        yield piece


def sentences_of(draft: Draft) -> Iterator[DraftSentence]:
    """Yield the sentences of a draft, each with its marks; none when nothing was found."""
    seen: set[int] = set()
    start = 0
    for marks in _MARKS.finditer(draft.text if draft.citations else ""):
        numbers = set(marks_in(marks[0])) - seen
        seen |= numbers
        new = tuple(citation for citation in draft.citations if citation.number in numbers)
        yield DraftSentence(draft.text[start : marks.end()].strip(), new)
        start = marks.end()


def marks_in(text: str) -> list[int]:
    """Return the numbers of the marks (``[1]``) in the text, in order."""
    return [int(number) for number in _MARK.findall(text)]


def cite(number: int, passage: SourcePassage, start: int, end: int, score: float) -> Citation:
    """Return the citation of ``passage.text[start:end]``, with its offsets in the document."""
    return Citation(
        number=number,
        document_id=passage.document_id,
        document_name=passage.document_name,
        chunk_id=passage.chunk_id,
        quote=passage.text[start:end],
        start=passage.start + start,
        end=passage.start + end,
        score=round(score, 4),
        title=passage.title,
        page=passage.page,
        heading=passage.heading,
    )


def sources_of(text: str, citations: Iterable[Citation]) -> tuple[str, ...]:
    """Return what an answer rests on: its quotes, and the cited documents that it names."""
    return tuple(
        source
        for cited in citations
        for source in (cited.quote, f"{cited.title} ({cited.document_name})", cited.document_name)
        if source is cited.quote or source in text
    )
