"""Finds running headers, page numbers and tables of contents of a PDF."""

import re
from collections import Counter
from dataclasses import dataclass

from trimtab.extraction.pdf_layout import Row

_EDGE_ROWS = 3
_EDGE = 0.14
"""Share of a page's height at its top and bottom where headers and footers stand."""
_FEW_PAGES = 6
_DIGITS = re.compile(r"\d+|\b[ivxlc]{1,6}\b")
_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|p\u00e1gina|p\u00e1gina|p\.|s\.)\s*)?(?:\d{1,4}|[ivxlc]{1,7})"
    r"(?:\s*(?:/|of|von|de|sur)\s*\d{1,4})?\W*",
    re.IGNORECASE,
)
_LEADER = re.compile(
    r"(?<![.\u2026\u00b7])(?<![.\u2026\u00b7]\s)(?:[.\u2026\u00b7]\s?+){4,}+\s*+(?:\d{1,4}|[ivxlc]{1,7})$"
)
_ENDS_IN_NUMBER = re.compile(r"\D\s(?:\d{1,4}|[ivxlc]{1,7})$")
_CONTENTS = re.compile(
    r"\W*(?:\d\W+)?(?:table of contents|contents|inhalt|inhaltsverzeichnis|\u00edndice|contenido"
    r"|sommaire|table des mati\u00e8res|indice|sum\u00e1rio|list of (?:figures|tables))\W*",
    re.IGNORECASE,
)
_FEWEST_ENTRIES = 6
_ENTRIES = 0.6


@dataclass
class PdfPage:
    """The rows of a page in reading order, and its height."""

    rows: list[Row]
    height: float


def without_furniture(pages: list[PdfPage]) -> list[list[Row]]:
    """Return each page's rows without running headers and footers and tables of contents."""
    running = _running(pages)
    left = []
    for page in pages:
        edge = {id(row) for row in _edges(page)}
        left.append(
            [
                row
                for row in page.rows
                if id(row) not in edge or not _is_furniture(row, running, len(pages))
            ]
        )
    return _without_contents(left)


def row_text(row: Row) -> str:
    """Return the text of a row in one line."""
    return " ".join(line.text for line in row)


def _edges(page: PdfPage) -> list[Row]:
    """Return the rows near the top and the bottom of the page."""
    upright = [row for row in page.rows if row[0].words[0].turn == 0]
    if not upright:
        return []
    by_height = sorted(upright, key=lambda row: -row[0].base)
    top, bottom = by_height[0][0].base, by_height[-1][0].base
    reach = _EDGE * page.height
    return [
        *(row for row in by_height[:_EDGE_ROWS] if top - row[0].base < reach),
        *(row for row in by_height[-_EDGE_ROWS:] if row[0].base - bottom < reach),
    ]


def _key(row: Row) -> tuple[str, int]:
    """Return what is the same in a running header: its text but for numbers, and its height."""
    return _DIGITS.sub("#", row_text(row).lower()), round(row[0].base / 4)


def _running(pages: list[PdfPage]) -> set[tuple[str, int]]:
    counts = Counter(key for page in pages for key in {_key(row) for row in _edges(page)})
    filled = sum(bool(page.rows) for page in pages)
    least = 2 if filled <= _FEW_PAGES else 3
    return {key for key, count in counts.items() if count >= least}


def _is_furniture(row: Row, running: set[tuple[str, int]], pages: int) -> bool:
    return _key(row) in running or (pages > 1 and bool(_NUMBER.fullmatch(row_text(row))))


def _without_contents(pages: list[list[Row]]) -> list[list[Row]]:
    left: list[list[Row]] = []
    inside = False
    for rows in pages:
        texts = [row_text(row) for row in rows]
        title = any(_CONTENTS.fullmatch(text) for text in texts[:3])
        entries = [bool(_ENDS_IN_NUMBER.search(text)) for text in texts]
        inside = (
            (inside or title)
            and sum(entries) >= _FEWEST_ENTRIES
            and sum(entries) >= _ENTRIES * len(rows)
        )
        listed = [
            bool(_LEADER.search(text)) or (inside and entry)
            for text, entry in zip(texts, entries, strict=True)
        ]
        # An entry may take two lines, of which the second has the number.
        between = (
            a and not b and c
            for a, b, c in zip([False, *listed], listed, [*listed[1:], False], strict=False)
        )
        kept = [
            row
            for row, entry, part in zip(rows, listed, between, strict=True)
            if not (entry or part)
        ]
        if len(kept) < len(rows):
            kept = [row for row in kept if not _CONTENTS.fullmatch(row_text(row))]
        left.append(kept)
    return left
