"""Extractive generator: quotes and cites the sentences that hold the answer; needs no model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trimtab.answers.drafts import Draft, Piece, cite
from trimtab.answers.evidence import AnalysedQuestion, QuoteCandidate, candidates
from trimtab.answers.records import EXTRACTIVE, SourcePassage
from trimtab.text.sentences import BlockKind

NOT_FOUND = "The documents of this project do not answer that."


@dataclass(frozen=True, slots=True)
class ExtractiveGenerator:
    """Quotes at most ``max_sentences`` sentences.

    Args:
        max_sentences: The most sentences in an answer.
        min_passage_coverage: The share of the question, by weight, that a passage must hold to be
            quoted at all.
        min_coverage: The same for the sentence with its neighbours and headings.
        keep_ratio: A further sentence is quoted when its score is at least this share of the best
            one's.
    """

    max_sentences: int = 2
    min_passage_coverage: float = 0.45
    min_coverage: float = 0.35
    keep_ratio: float = 0.5

    def stream(self, question: str, passages: Sequence[SourcePassage]) -> Iterator[Piece]:
        """Yield the draft of `quote`."""
        yield self.quote(question, passages)

    def quote(self, question: str, passages: Sequence[SourcePassage]) -> Draft:
        """Return the best sentences as a draft; without citations when nothing was found."""
        ranked = [
            candidate
            for candidate in candidates(AnalysedQuestion.of(question), passages)
            if candidate.passage_coverage >= self.min_passage_coverage
            and candidate.coverage >= self.min_coverage
        ]
        chosen = self._chosen(ranked)
        if not chosen:
            return Draft(NOT_FOUND, (), EXTRACTIVE, 0.0)
        citations = tuple(
            cite(number, c.passage, c.sentence.start, c.sentence.end, min(1.0, c.coverage))
            for number, c in enumerate(chosen, 1)
        )
        text = " ".join(
            f"{_shown(candidate)} [{number}]" for number, candidate in enumerate(chosen, 1)
        )
        return Draft(text, citations, EXTRACTIVE, max(citation.score for citation in citations))

    def _chosen(self, ranked: Sequence[QuoteCandidate]) -> list[QuoteCandidate]:
        """Return the sentences to quote: best first, but those of one passage in reading order."""
        chosen: list[QuoteCandidate] = []
        for candidate in ranked:
            if len(chosen) == self.max_sentences:
                break
            enough = not chosen or candidate.score >= self.keep_ratio * chosen[0].score
            if enough and not any(candidate.stems <= other.stems for other in chosen):
                chosen.append(candidate)
        order = [candidate.passage.chunk_id for candidate in chosen]
        return sorted(chosen, key=lambda c: (order.index(c.passage.chunk_id), c.sentence.start))


def _shown(candidate: QuoteCandidate) -> str:
    """Return the sentence for display: prose on one line, code and rows unchanged."""
    sentence = candidate.sentence
    if sentence.kind in (BlockKind.CODE, BlockKind.ROW):
        return sentence.text
    return " ".join(sentence.text.split())
