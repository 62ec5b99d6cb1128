"""The port through which an answer is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trimtab.answers.records import Citation, Passage


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens used; zero for the extractive generator, which uses none."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    """What they cost; 0 where no price is set."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A written answer before its guards. An empty ``citations`` means that the passages don't hold it."""

    text: str
    citations: tuple[Citation, ...]
    model: str
    confidence: float
    usage: Usage = Usage()
    notice: str = ""


class Generator(Protocol):
    """Writes an answer from passages."""

    def generate(self, question: str, passages: Sequence[Passage]) -> Draft:
        """Return the draft; one without citations when the passages don't hold the answer.

        Raises:
            GeneratorUnavailable: The model behind it did not answer usefully in time.
        """
        ...


def cite(number: int, passage: Passage, start: int, end: int, score: float) -> Citation:
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
