"""Drafts that were written before for the same question over the same passages."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

from cachetools import LRUCache

from trimtab.answers.generate import Draft, Generator, Usage
from trimtab.answers.pieces import DraftSentence, pieces, sentences_of
from trimtab.answers.records import Passage
from trimtab.kernel.ids import content_id


class CachedGenerator:
    """Remembers drafts by question and passages.

    It stands behind retrieval on purpose: the passages are part of the key, so a document that was deleted, changed or
    belongs to another project can never be answered from here, and no invalidation can be forgotten.

    Args:
        inner: Writes what is not remembered.
        version: Changes with the generator's settings, so that a new model does not speak with an old one's words.
        entries: How many drafts are kept; 0 keeps none.
    """

    def __init__(self, inner: Generator, version: str, entries: int = 1_000) -> None:
        self._inner = inner
        self._version = version
        self._drafts: LRUCache[str, Draft] = LRUCache(maxsize=entries)
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    def generate(self, question: str, passages: Sequence[Passage]) -> Draft:
        """Return the remembered draft, at no cost, or the inner one's."""
        key = self._key(question, passages)
        known = self._known(key)
        if known is not None:
            return known
        draft = self._inner.generate(question, passages)
        self._remember(key, draft)
        return draft

    def stream(self, question: str, passages: Sequence[Passage]) -> Iterator[DraftSentence | Draft]:
        """Yield the sentences of the remembered draft, or the inner one's as they come."""
        key = self._key(question, passages)
        known = self._known(key)
        if known is not None:
            yield from sentences_of(known)
            yield known
            return
        for piece in pieces(self._inner, question, passages):
            if isinstance(piece, Draft):
                self._remember(key, piece)
            yield piece

    def clear(self) -> int:
        """Forget everything and return how many drafts it was; part of each erasure."""
        with self._lock:
            count = len(self._drafts)
            self._drafts.clear()
        return count

    def __len__(self) -> int:
        return len(self._drafts)

    def _known(self, key: str) -> Draft | None:
        with self._lock:
            draft = self._drafts.get(key)
            self.hits += draft is not None
            self.misses += draft is None
        return None if draft is None else replace(draft, usage=Usage())

    def _remember(self, key: str, draft: Draft) -> None:
        if (
            not draft.notice and self._drafts.maxsize >= 1
        ):  # A fallback's draft is not the real one.
            with self._lock:
                self._drafts[key] = draft

    def _key(self, question: str, passages: Sequence[Passage]) -> str:
        parts = [
            part for p in passages for part in (p.document_id, p.chunk_id, str(p.start), p.text)
        ]
        return content_id("draft", self._version, question, *parts)
