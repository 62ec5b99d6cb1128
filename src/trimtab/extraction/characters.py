"""Removes invisible characters, which cut words in two."""

import re
from collections.abc import Sequence
from itertools import accumulate, pairwise

_INVISIBLE = re.compile(
    "[\u00ad\u200b\u2060\ufeff]|(?<=[A-Za-z\u00c0-\u024f])[\u200c\u200d]++(?=[A-Za-z\u00c0-\u024f])"
)
"""Characters without width.

Joiners have a meaning in other scripts and in emoji.
"""


_SIGNS = "\u00ad\u200b\u2060\ufeff\u200c\u200d"


def without_invisible(text: str) -> str:
    """Return the text without characters that have no width."""
    # Nearly all texts have none, and looking for them is a hundred times faster than the pattern.
    if not any(sign in text for sign in _SIGNS):
        return text
    return _INVISIBLE.sub("", text)


def cleaned(text: str) -> str:
    """Return the text with Unix line ends and without characters that have no width."""
    return without_invisible(text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", ""))


def cleaned_pages(text: str, pages: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    """Return the cleaned text, and the offset at which each page begins in it."""
    if not pages:
        return cleaned(text), ()
    pieces = [cleaned(text[start:end]) for start, end in pairwise([0, *pages, len(text)])]
    starts = accumulate(len(piece) for piece in pieces)
    return "".join(pieces), tuple(starts)[: len(pages)]
