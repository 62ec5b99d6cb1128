# ruff: noqa: RUF001 - punctuation of several languages.
"""Tells furniture of a page from sentences: bars of links, fields of a head, headings, labels."""

import re

from trimtab.text.sentences import Sentence

_METADATA = re.compile(
    r"(?:title|author|layout|tags|canonical|meta-[\w-]+|base-href)\s*:\s*\S", re.I
)
_NAVIGATION = re.compile(
    r"(?:^|\W)(?:next|previous|prev)\s*[|»›]|\S\s+»|(?:^|\s)skip to\b|(?:\. ?){5}|\s\.$",
    re.IGNORECASE,
)
_BOLD = re.compile(r"(\*\*|__)(?:(?!\1).)+\1:?")
_NO_HEADING = re.compile(r"\d|!\s*$")
_LABEL_WORDS = 4
_HEADING_WORDS = 8


def is_furniture(bare: str) -> bool:
    """Return whether a line is a bar of links or a field of the file's head."""
    if _NAVIGATION.search(bare) or _METADATA.match(bare):
        return True
    letters = sum(character.isalnum() for character in bare)
    return letters * 2 < len(bare) or letters < 2


def is_capital_heading(text: str, piece: Sentence) -> bool:
    """Return whether a line of its own is a heading in capitals, as plain text and scans have them.

    "DO NOT RESTART!" is a warning, and a line with a number may be a value.
    """
    begins = piece.start == 0 or text[piece.start - 1] == "\n"
    alone = begins and text[piece.end : piece.end + 1] in {"", "\n"}
    count = len(piece.text.split())
    is_short = 1 < count <= _HEADING_WORDS and "\n" not in piece.text
    return alone and is_short and piece.text.isupper() and not _NO_HEADING.search(piece.text)


def is_label(text: str, bare: str) -> bool:
    """Return whether a line names what follows, as "Symptoms:" does, or a line all in bold."""
    if bare.endswith(":"):
        return len(bare.split()) <= _LABEL_WORDS
    return _BOLD.fullmatch(text.strip()) is not None
