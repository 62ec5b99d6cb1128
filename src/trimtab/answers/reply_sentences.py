"""Cuts a model's reply into sentences while it is written, in time linear in its length."""

import re

from trimtab.text.sentences import BlockKind, Sentence, sentences

_PARTIAL_MARK = re.compile(r"(?:(?<!\s)\s++)?\[\d{0,3}$")
"""The beginning of a mark at the end of what has come in so far."""
_MOVED_MARKS = re.compile(r"([.!?])((?:\s*\[\d{1,3}\])+)")
_MAY_END = re.compile("[.!?…।؟۔。！？\n]")  # noqa: RUF001 - stops of several languages.
_RUNNING = frozenset({BlockKind.PROSE, BlockKind.ITEM})
"""Kinds of text that may be cut anywhere between two sentences."""
_BACKOFF = 16
"""A tail without a sentence is cut again when it has grown by this fraction of itself. That bounds
the work: the tails that are cut without success form a geometric series."""


class ReplySentences:
    """Gives the sentences of a reply as they become whole, each with the marks that follow it.

    Only what follows the last sentence but one is cut again. What is looked at must begin with a
    sentence that is known: where the cut would read the rest in another way, such as inside a block
    of code, it begins further ahead.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._tail: list[str] = []
        self._length = 0
        """Of the tail, in characters."""
        self._known = 0
        """How many sentences at the tail's beginning were given already."""
        self._may_end = False
        self._look_at = 0
        """The tail's length at which it is looked at next."""

    @property
    def text(self) -> str:
        """Return everything that has come in."""
        return "".join(self._parts)

    def feed(self, delta: str) -> list[str]:
        """Take the next characters; return the sentences that are whole now."""
        if not delta:
            return []
        self._parts.append(delta)
        self._tail.append(delta)
        self._length += len(delta)
        self._may_end = self._may_end or _MAY_END.search(delta) is not None
        if not self._may_end or self._length < self._look_at:
            return []
        return self._look()

    def finish(self) -> list[str]:
        """Return the sentences that are left, at the reply's end."""
        return [sentence.text for sentence in _cut("".join(self._tail))[self._known :]]

    def _look(self) -> list[str]:
        tail = "".join(self._tail)
        whole = _cut(_settled(tail))[:-1]
        fresh = [sentence.text for sentence in whole[self._known :]]
        self._known = max(self._known, len(whole))
        if not (fresh and self._shorten(tail, whole[-1])):
            self._tail = [tail]
            self._look_at = self._length + self._length // _BACKOFF + 1
        return fresh

    def _shorten(self, tail: str, last: Sentence) -> bool:
        """Cut the tail before its last whole sentence; return False if that changes it."""
        if last.kind not in _RUNNING:
            return False
        shorter = tail[last.start :]
        again = _cut(_settled(shorter))
        if len(again) < 2 or again[0].text != last.text or again[0].kind not in _RUNNING:
            return False
        self._tail, self._length, self._known = [shorter], len(shorter), 1
        self._may_end = _MAY_END.search(shorter, last.end - last.start) is not None
        self._look_at = 0
        return True


def _settled(tail: str) -> str:
    """Return the tail without an end that may still change: half a mark or table row."""
    line = tail.rfind("\n") + 1
    if tail[line:].lstrip(" \t").startswith("|"):
        tail = tail[:line]
    return _PARTIAL_MARK.sub("", tail)


def _cut(reply: str) -> tuple[Sentence, ...]:
    # "... text. [1] Next" is cut before the mark; moving the mark in front of the stop keeps the
    # two together, and all offsets as they are.
    return sentences(_MOVED_MARKS.sub(r"\2\1", reply))
