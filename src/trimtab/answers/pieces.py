"""A draft in pieces: each sentence as soon as it is whole, then the draft itself."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from trimtab.answers.generate import Draft, Generator
from trimtab.answers.records import Citation, Passage

_MARKS = re.compile(r"(?:\[\d{1,3}\])++\s*+")
_MARK = re.compile(r"\[(\d{1,3})\]")


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """A whole sentence with its marks, and the citations that it is the first to use."""

    text: str
    citations: tuple[Citation, ...]


@runtime_checkable
class StreamingGenerator(Protocol):
    """A generator that can say its sentences one by one."""

    def stream(self, question: str, passages: Sequence[Passage]) -> Iterator[DraftSentence | Draft]:
        """Yield each sentence when it is whole, and the draft of all of them last.

        Raises:
            GeneratorUnavailable: It failed; sentences may have been yielded before.
        """
        ...


def pieces(
    generator: Generator, question: str, passages: Sequence[Passage]
) -> Iterator[DraftSentence | Draft]:
    """Yield the generator's sentences and its draft; a generator that cannot stream says them all at once."""
    if isinstance(generator, StreamingGenerator):
        yield from generator.stream(question, passages)
        return
    draft = generator.generate(question, passages)
    yield from sentences_of(draft)
    yield draft


def sentences_of(draft: Draft) -> Iterator[DraftSentence]:
    """Yield the sentences of a draft, each up to and with its marks; none when nothing was found."""
    seen: set[int] = set()
    begun = 0
    for marks in _MARKS.finditer(draft.text if draft.citations else ""):
        numbers = set(marks_in(marks[0])) - seen
        seen |= numbers
        new = tuple(citation for citation in draft.citations if citation.number in numbers)
        yield DraftSentence(draft.text[begun : marks.end()].strip(), new)
        begun = marks.end()


def marks_in(text: str) -> list[int]:
    """Return the numbers of the marks (``[1]``) in the text, in order."""
    return [int(number) for number in _MARK.findall(text)]
