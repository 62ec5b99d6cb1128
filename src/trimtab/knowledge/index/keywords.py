"""The passages that share words with a query: BM25 over postings held as numpy arrays.

Scoring a query adds up one array slice for each of its terms: 2 ms of CPU for 60,000 postings among
100,000 passages. Changes append a segment; deleted passages are masked; many segments are merged.
Searches read one immutable state and never wait.

BM25 is Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009),
with the smoothed inverse document frequency of Lucene, which is never negative.
"""

import hashlib
import math
import threading
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trimtab.knowledge.index.vectors import Keys
from trimtab.text.analysis import AnalysedText, QueryTerm

Scores = NDArray[np.float32]
Terms = NDArray[np.int64]

_K1 = 1.2
_B = 0.75
_MAX_SEGMENTS = 8


@dataclass(frozen=True, slots=True)
class WordMatches:
    """Passages with any of the terms: keys ascending and BM25 scores above 0, shape (n,)."""

    keys: Keys
    scores: Scores
    mean: float
    """The mean score over all passages of the project, those without any term included ..."""
    deviation: float
    """... and its standard deviation."""

    def of(self, keys: Keys) -> Scores:
        """Return the scores of these passages; 0 for those without any term."""
        scores = np.zeros(len(keys), np.float32)
        if len(self.keys):
            at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            there = self.keys[at] == keys
            scores[there] = self.scores[at[there]]
        return scores


@dataclass(frozen=True, slots=True)
class Segment:
    """Some passages and their postings, sorted by term; immutable but for what ``alive`` masks.

    A term is kept as its `numbered` hash only, so an index holds no words deleted from a store.
    ``documents`` and ``frequencies`` have one entry for each (term, passage) pair; those of the
    term ``terms[i]`` are at ``starts[i]:starts[i + 1]``. A document is a row of ``keys``.
    """

    keys: Keys
    lengths: Scores
    languages: NDArray[np.uint8]
    alive: NDArray[np.bool_]
    terms: Terms
    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    frequencies: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class _Entries:
    """The postings of one variant of a query's term: one slice for each segment, and its weight."""

    slices: tuple[slice, ...]
    rarity: float


@dataclass(frozen=True, slots=True)
class _State:
    segments: tuple[Segment, ...] = ()
    norms: tuple[Scores, ...] = ()
    """What BM25 adds to a term's frequency in each passage of each segment, for its length."""
    passages: int = 0
    mean_length: float = 1.0


class KeywordIndex:
    """The keyword index of one project.

    Searches run concurrently with changes; changes wait for each other.
    """

    def __init__(self, language_names: Sequence[str]) -> None:
        self._names = list(language_names)
        self._changing = threading.Lock()
        self._state = _State()
        self.languages: tuple[str, ...] = ()
        """The languages of at least one passage in twenty, the most frequent first."""

    def __len__(self) -> int:
        return self._state.passages

    @property
    def keys(self) -> Keys:
        """The keys of all passages, ascending."""
        alive = [segment.keys[segment.alive] for segment in self._state.segments]
        return np.sort(np.concatenate(alive)) if alive else np.empty(0, np.int64)

    def add(self, passages: Iterable[tuple[int, AnalysedText]]) -> None:
        """Add passages with distinct keys, in place of those with the same keys."""
        with self._changing:
            fresh = _built(passages, self._names)
            if not len(fresh.keys):
                return
            segments = (*_without(self._state.segments, fresh.keys), fresh)
            self._hold(_compacted(segments))

    def remove(self, keys: Keys) -> None:
        """Take passages out; keys that are not there are left alone."""
        with self._changing:
            self._hold(_without(self._state.segments, keys))

    def search(self, terms: Sequence[QueryTerm], allowed: Keys | None = None) -> WordMatches:
        """Score every passage that has any of the terms.

        Args:
            terms: The query's; a passage counts for each the variant that scores highest.
            allowed: Only these, ascending; None means all.
        """
        state = self._state
        entries = [
            [(found.slices, term.weight * found.rarity) for found in self._entries(state, term)]
            for term in terms
        ]
        key_parts, score_parts = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for at, segment in enumerate(state.segments):
            weights = [[(slices[at], weight) for slices, weight in found] for found in entries]
            sums = _sums(segment, weights, state.norms[at])
            hit = np.flatnonzero(sums > 0)
            key_parts.append(segment.keys.take(hit))
            score_parts.append(sums.take(hit))
        keys, scores = np.concatenate(key_parts), np.concatenate(score_parts)
        whole = max(1, state.passages)
        mean = float(scores.sum(dtype=np.float64)) / whole
        deviation = math.sqrt(max(0.0, float(scores @ scores) / whole - mean * mean))
        if allowed is not None:
            within = np.isin(keys, allowed)
            keys, scores = keys[within], scores[within]
        # Keys mostly grow from segment to segment, and within one they mostly are in order.
        if len(keys) and not (keys[1:] > keys[:-1]).all():
            order = np.argsort(keys, kind="stable")
            keys, scores = keys[order], scores[order]
        return WordMatches(keys, scores, mean, deviation)

    def score_of(self, terms: Sequence[QueryTerm], passage: AnalysedText) -> float:
        """Return the score that a passage would have if it were in the index."""
        state = self._state
        norm = _K1 * (1 - _B + _B * passage.length / state.mean_length)
        total = 0.0
        for term in terms:
            often = [(passage.frequencies.get(variant, 0), variant) for variant in term.variants]
            scores = [
                found.rarity * (_K1 + 1) * count / (count + norm)
                for count, variant in often
                if count
                for found in self._entries(state, QueryTerm(term.word, (variant,)))
            ]
            total += term.weight * max(scores, default=0.0)
        return total

    def segments(self) -> tuple[Segment, ...]:
        """Return what has to be kept on disk; deleted passages are gone."""
        with self._changing:
            self._hold((_merged(self._state.segments),))
            return self._state.segments

    def restore(self, segments: Sequence[Segment]) -> None:
        """Become the index that ``segments`` describe."""
        with self._changing:
            self._hold(tuple(segments))

    def _entries(self, state: _State, term: QueryTerm) -> list[_Entries]:
        """Return the postings and the inverse document frequency of each variant that occurs."""
        entries: list[_Entries] = []
        for variant in term.variants:
            number, count, slices = numbered(variant), 0, []
            for segment in state.segments:
                at = int(segment.terms.searchsorted(number))
                if at < len(segment.terms) and segment.terms[at] == number:
                    slices.append(slice(int(segment.starts[at]), int(segment.starts[at + 1])))
                else:
                    slices.append(slice(0, 0))
                # Deleted passages count until their segment is merged, as in Lucene.
                count += slices[-1].stop - slices[-1].start
            if count:
                whole = max(state.passages, count)
                rarity = math.log1p((whole - count + 0.5) / (count + 0.5))
                entries.append(_Entries(tuple(slices), rarity))
        return entries

    def _hold(self, segments: tuple[Segment, ...]) -> None:
        """Let searches read these segments from now on."""
        passages = sum(int(segment.alive.sum()) for segment in segments)
        words = sum(float(segment.lengths[segment.alive].sum()) for segment in segments)
        counts = np.zeros(len(self._names), np.int64)
        for segment in segments:
            counts += np.bincount(segment.languages[segment.alive], minlength=len(counts))
        order = [int(number) for number in np.argsort(-counts, kind="stable")]
        self.languages = tuple(
            self._names[at] for at in order if counts[at] > 0 and counts[at] * 20 >= passages
        )
        mean_length = words / passages if passages else 1.0
        norms = tuple(_norms(segment, mean_length) for segment in segments)
        self._state = _State(segments, norms, passages, mean_length)


def _norms(segment: Segment, mean_length: float) -> Scores:
    """Return each passage's length norm; infinite, which makes any score 0, for deleted ones."""
    norms = _K1 * (1 - _B) + np.float32(_K1 * _B / mean_length) * segment.lengths
    norms[~segment.alive] = np.inf
    return norms


def _sums(
    segment: Segment, weights: Sequence[Sequence[tuple[slice, float]]], norms: Scores
) -> Scores:
    """Return the BM25 score of each passage of the segment, shape (n,), in few passes of numpy."""
    sums = np.zeros(len(segment.keys), np.float32)
    for variants in weights:
        several = len(variants) > 1
        best = np.zeros_like(sums) if several else sums
        for entries, weight in variants:
            documents = segment.documents[entries]
            scores = segment.frequencies[entries].astype(np.float32)
            # Rows are always in range; clipping spares the check, which costs as much.
            below = norms.take(documents, mode="clip")
            below += scores
            scores /= below
            scores *= np.float32(weight * (_K1 + 1))
            (np.maximum if several else np.add).at(best, documents, scores)
        if several:
            sums += best
    return sums


def _without(segments: Sequence[Segment], keys: Keys) -> tuple[Segment, ...]:
    """Return the segments with those passages masked; segments without any alive are dropped."""
    masked = (
        replace(segment, alive=segment.alive & ~np.isin(segment.keys, keys)) for segment in segments
    )
    return tuple(segment for segment in masked if segment.alive.any())


def numbered(term: str) -> int:
    """Return the number that stands for a term: 64 bits of its BLAKE2 hash, signed.

    Two of a million terms share a number with a chance of 1 in 37 million; they would count as one.
    """
    digest = hashlib.blake2b(term.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _built(passages: Iterable[tuple[int, AnalysedText]], names: list[str]) -> Segment:
    vocabulary: dict[str, int] = {}
    # Machine numbers, not Python's: a large project has millions of postings.
    keys, lengths, languages = array("q"), array("f"), array("B")
    terms, frequencies, sizes = array("i"), array("i"), array("i")
    for key, passage in passages:
        keys.append(key)
        lengths.append(passage.length)
        languages.append(names.index(passage.language))
        sizes.append(len(passage.frequencies))
        terms.extend(vocabulary.setdefault(term, len(vocabulary)) for term in passage.frequencies)
        frequencies.extend(passage.frequencies.values())
    return _sorted(
        np.array(keys, np.int64),
        np.array(lengths, np.float32),
        np.array(languages, np.uint8),
        (
            np.array([numbered(term) for term in vocabulary], np.int64)[terms],
            np.repeat(np.arange(len(keys), dtype=np.int32), sizes),
            np.minimum(frequencies, np.iinfo(np.uint16).max).astype(np.uint16),
        ),
    )


_Postings = tuple[Terms, NDArray[np.int32], NDArray[np.uint16]]


def _sorted(
    keys: Keys, lengths: Scores, languages: NDArray[np.uint8], postings: _Postings
) -> Segment:
    """Return the segment of these passages; the postings are (terms, rows of keys, frequencies)."""
    numbers, documents, frequencies = postings
    order = np.argsort(numbers, kind="stable")
    terms, starts = np.unique(numbers[order], return_index=True)
    return Segment(
        keys,
        lengths,
        languages,
        np.ones(len(keys), np.bool_),
        terms,
        np.append(starts, len(numbers)).astype(np.int64),
        documents[order],
        frequencies[order],
    )


def _compacted(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """Return few segments: the small ones are merged, and a large one when half of it is dead."""
    if len(segments) <= _MAX_SEGMENTS:
        return segments
    largest = max(segments, key=lambda segment: len(segment.keys))
    rest = tuple(segment for segment in segments if segment is not largest)
    small = sum(len(segment.keys) for segment in rest)
    if small * 4 >= len(largest.keys) or largest.alive.mean() < 0.5:
        return (_merged(segments),)
    return (largest, _merged(rest))


def _merged(segments: Sequence[Segment]) -> Segment:
    """Return one segment with the passages that are alive."""
    keys, lengths, languages, numbers, documents, frequencies = [], [], [], [], [], []
    offset = 0
    for segment in segments:
        alive = segment.alive
        row = np.cumsum(alive, dtype=np.int32) - 1 + offset
        stay = alive[segment.documents]
        keys.append(segment.keys[alive])
        lengths.append(segment.lengths[alive])
        languages.append(segment.languages[alive])
        numbers.append(np.repeat(segment.terms, np.diff(segment.starts))[stay])
        documents.append(row[segment.documents[stay]].astype(np.int32))
        frequencies.append(segment.frequencies[stay])
        offset += int(alive.sum())
    if not segments:
        return _built((), [])
    return _sorted(
        np.concatenate(keys),
        np.concatenate(lengths),
        np.concatenate(languages),
        (np.concatenate(numbers), np.concatenate(documents), np.concatenate(frequencies)),
    )
