"""Removes control characters and invisible ones, which cut words in two."""

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
_CONTROL_SIGNS = [chr(code) for code in (*range(0x20), 0x7F) if chr(code) not in "\t\n\v\f\r"]
_CONTROL = re.compile(
    # Colours and other orders to a terminal, as in recorded output,
    r"\x1b\[[0-?]{0,100}[ -/]{0,10}[@-~]|\x1b\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)|\x1b[@-Z\\^_]"
    # bold and underlined letters of manual pages, typed over each other,
    r"|[^\n\x08]\x08"
    r"|[\x00-\x08\x0e-\x1f\x7f]"
)


def without_invisible(text: str) -> str:
    """Return the text without control characters and characters that have no width."""
    # Nearly all texts have none, and looking for them is a hundred times faster than the pattern.
    if any(sign in text for sign in _CONTROL_SIGNS):
        text = _CONTROL.sub("", text)
    if not any(sign in text for sign in _SIGNS):
        return text
    return _INVISIBLE.sub("", text)


def cleaned(text: str) -> str:
    """Return the text with Unix line ends, without control and invisible characters."""
    return without_invisible(text.replace("\r\n", "\n").replace("\r", "\n"))


def cleaned_pages(text: str, pages: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    """Return the cleaned text, and the offset at which each page begins in it."""
    if not pages:
        return cleaned(text), ()
    pieces = [cleaned(text[start:end]) for start, end in pairwise([0, *pages, len(text)])]
    starts = accumulate(len(piece) for piece in pieces)
    return "".join(pieces), tuple(starts)[: len(pages)]
