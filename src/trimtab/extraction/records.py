"""Result of reading one file, and the ways in which it can be refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a file."""

    text: str
    title: str = ""
    pages: tuple[int, ...] = ()
    """Offset of the first character of each page; empty where the format has no pages."""
    warnings: tuple[str, ...] = ()
    """What of the file is not in the text, a sentence each."""


class Refusal(Exception):
    """The file cannot be read.

    Attributes:
        kind: ``unreadable``, ``encrypted``, ``encoding``, ``installation`` or ``inflated``.
        detail: What is wrong, for people; may be empty.
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail[:300]
