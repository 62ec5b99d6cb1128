"""Writes the rows of PDF pages as Markdown: headings, paragraphs, lists, code and tables."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from trimtab.extraction.pdf_furniture import PdfPage, row_text, without_furniture
from trimtab.extraction.pdf_layout import Line, Row
from trimtab.extraction.tables import render_table

_LARGER = 1.12
"""How much larger than the text a heading is at least."""
_LEVELS = 4
_SHORT, _MAX_HEADINGS = 3000, 0.12
"""In a longer text, letters of a size with more than this share do not make headings."""
_LONGEST_HEADING = 150
_PITCH = 1.35
"""Distance of lines, in usual distances, above which a paragraph ends."""
_BULLET = re.compile(r"[\u2022\u25cf\u25aa\u25e6\u2023\u2043\u00b7\u2013\uf0b7*-]")
_ITEM = re.compile(
    r"(?:[\u2022\u25cf\u25aa\u25e6\u2023\u2043\uf0b7]|[-*\u2013](?=\s)|\(?\d{1,2}[.)](?=\s)|\(?[a-z][.)](?=\s))\s*"
)
_MARK = re.compile(r"[\u2022\u25cf\u25aa\u25e6\u2023\u2043\u00b7\u2013\uf0b7*-]|\(?\w{1,3}[.)]")
"""What stands in front of an item, in a column of its own."""
_ENDED = re.compile(r"[.!?:;\u2026\u3002\uff01\uff1f][\"')\]\u201d\u2019]*$")
_DIVIDED = re.compile(r"(?<!\w)(\w+)[-\u2010]$")
_TOKEN = re.compile(r"\w+(?:-\w+)*")
_JOINS_TWO = frozenset(["and", "or", "und", "oder", "bis", "y", "o", "e", "et", "ou"])
_TABLE_ROWS = 3


def render_pages(pages: list[PdfPage]) -> tuple[str, tuple[int, ...]]:
    """Return the text of all pages, and the offset at which each begins."""
    rows = without_furniture(pages)
    lines = [line for page in rows for row in page for line in row]
    style = _Style.of(lines)
    pieces: list[str] = []
    starts: list[int] = []
    length = 0
    for page in rows:
        text = "\n\n".join(_Writer(style, page).blocks())
        piece = f"{text}\n\n" if text else ""
        starts.append(length)
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces).rstrip("\n"), tuple(min(start, length) for start in starts)


@dataclass(frozen=True)
class _Style:
    """Sizes and words of a document."""

    body: float
    levels: dict[float, int]
    """Level of the heading by the size of its letters."""
    words: frozenset[str]
    """All words, in small letters."""

    @classmethod
    def of(cls, lines: list[Line]) -> "_Style":
        """Measure the document's lines."""
        sizes: Counter[float] = Counter()
        words: set[str] = set()
        for line in lines:
            for word in line.words:
                sizes[_rounded(word.size)] += len(word.text)
                if not word.hyphen:
                    words.update(token.lower() for token in _TOKEN.findall(word.text))
        body = max(sizes, key=lambda size: sizes[size], default=10.0)
        total = sum(sizes.values())
        larger = sorted(
            (
                size
                for size, count in sizes.items()
                if size >= body * _LARGER and (total < _SHORT or count < _MAX_HEADINGS * total)
            ),
            reverse=True,
        )
        levels = {size: min(rank, _LEVELS) for rank, size in enumerate(larger, 1)}
        return cls(body, levels, frozenset(words))

    def level(self, line: Line) -> int:
        """Return the level of the heading that the line is, or 0."""
        text = line.text
        if len(text) > _LONGEST_HEADING or not any(map(str.isalpha, text)) or _BULLET.match(text):
            return 0
        return self.levels.get(_rounded(line.size), 0)

    def joined(self, first: str, second: str) -> str:
        """Return two lines as one text; a word that is divided at the line's end is one again."""
        divided = _DIVIDED.search(first)
        after = _TOKEN.match(second)
        if divided is None or after is None or not second[0].isalpha():
            return f"{first} {second}"
        head, tail = divided[1].lower(), after[0].lower()
        if tail in _JOINS_TWO:
            return f"{first} {second}"
        if (second[0].isupper() and not divided[1].isupper()) or (
            head + tail not in self.words and f"{head}-{tail}" in self.words
        ):
            return first + second
        return first[:-1] + second


def _rounded(size: float) -> float:
    return round(size * 2) / 2


@dataclass
class _Writer:
    """Writes the blocks of one page."""

    style: _Style
    rows: list[Row]
    _open: list[Line] = field(default_factory=list)
    """The lines of the paragraph that is being read."""
    _pitch: float = 0.0

    def blocks(self) -> Iterator[str]:
        """Yield the blocks of the page."""
        self._pitch = _pitch(self.rows)
        at = 0
        while at < len(self.rows):
            row = self.rows[at]
            end = _table_end(self.rows, at)
            if end - at >= _TABLE_ROWS:
                yield from self._paragraph()
                yield _table(self.rows[at:end])
            elif len(row) == 1 and row[0].fixed:
                yield from self._paragraph()
                end = self._code_end(at)
                yield _code([line[0] for line in self.rows[at:end]])
            elif len(row) == 1 and (level := self.style.level(row[0])):
                yield from self._paragraph()
                end = self._heading_end(at, level)
                yield f"{'#' * level} {' '.join(row_text(part) for part in self.rows[at:end])}"
            else:
                end = at + 1
                line = row[0] if len(row) == 1 else _merged(row)
                if not self._continues(line):
                    yield from self._paragraph()
                self._open.append(line)
            at = end
        yield from self._paragraph()

    def _paragraph(self) -> Iterator[str]:
        if not self._open:
            return
        text = ""
        for line in self._open:
            words = line.text + ("-" if line.hyphen else "")
            text = self.style.joined(text, words) if text else words
        self._open.clear()
        if item := _ITEM.match(text):
            mark = item[0].strip()
            text = f"- {text[item.end() :]}" if _BULLET.fullmatch(mark) else text
        yield f"`{text}`" if text.startswith("#") and "`" not in text else text

    def _continues(self, line: Line) -> bool:
        """Return whether the line belongs to the open paragraph."""
        if not self._open:
            return False
        last, first = self._open[-1], self._open[0]
        if _ITEM.match(line.text) or abs(last.size - line.size) > 0.15 * last.size:
            return False
        ended = bool(_ENDED.search(last.text))
        step = last.base - line.base
        if step <= 0:  # The next column.
            return last.hyphen or (not ended and line.text[:1].islower())
        if step > _PITCH * (self._pitch or 1.2 * line.size):
            return False
        indented = line.left - min(part.left for part in self._open[-2:]) > 0.8 * line.size
        if indented and ended and not _ITEM.match(first.text):
            return False
        short = last.right < max(part.right for part in (*self._open, line)) - 8 * line.size
        return not (short and ended)

    def _code_end(self, at: int) -> int:
        end = at + 1
        while end < len(self.rows) and len(self.rows[end]) == 1 and self.rows[end][0].fixed:
            end += 1
        return end

    def _heading_end(self, at: int, level: int) -> int:
        """Return the end of a heading that may take several lines."""
        end = at + 1
        while end < len(self.rows) and len(self.rows[end]) == 1:
            above, line = self.rows[end - 1][0], self.rows[end][0]
            near = 0 < above.base - line.base < 2.2 * line.size
            if not near or self.style.level(line) != level or line.fixed or end - at >= 4:
                break
            end += 1
        return end


def _pitch(rows: list[Row]) -> float:
    """Return the usual distance of the page's lines."""
    steps = [
        above[0].base - below[0].base
        for above, below in itertools.pairwise(rows)
        if 0 < above[0].base - below[0].base < 2.2 * below[0].size
    ]
    return median(steps) if steps else 0.0


def _merged(row: Row) -> Line:
    return Line.of([word for line in row for word in line.words])


def _code(lines: list[Line]) -> str:
    left = min(line.left for line in lines)
    widths = [(line.right - line.left) / max(len(line.text), 1) for line in lines]
    width = max(median(widths), 1.0)
    written = [" " * min(round((line.left - left) / width), 60) + line.text for line in lines]
    fence = "```"
    while any(fence in line for line in written):
        fence += "`"
    return "\n".join([fence, *written, fence])


def _table_end(rows: list[Row], at: int) -> int:
    """Return the end of the rows that are a table from here on; the start if there is none."""
    end = at
    while end < len(rows) and _is_cells(rows[end]):
        end += 1
        # A cell may continue in the next line, below its own beginning and not in the first column.
        while end < len(rows) and end > at and _goes_on(rows[end - 1], rows[end]):
            end += 1
    multiple = sum(len(row) > 1 for row in rows[at:end])
    return end if multiple >= _TABLE_ROWS else at


def _is_cells(row: Row) -> bool:
    return len(row) > 1 and not (len(row) == 2 and _MARK.fullmatch(row[0].text))


def _goes_on(above: Row, row: Row) -> bool:
    near = 0 < above[0].base - row[0].base < 1.45 * row[0].size
    lefts = [line.left for line in above]
    return (
        near
        and len(row) < max(len(above), 2)
        and all(
            any(abs(line.left - left) < 2 for left in lefts[1 if len(above) > 1 else 0 :])
            for line in row
        )
    )


def _table(rows: list[Row]) -> str:
    columns = _columns(rows)
    grid: list[list[str]] = []
    for number, row in enumerate(rows):
        cells = [""] * len(columns)
        for line in row:
            at = max(range(len(columns)), key=lambda place: _overlap(line, columns[place]))
            cells[at] = f"{cells[at]} {line.text}".strip()
        if number and _goes_on(rows[number - 1], row) and not cells[0]:
            grid[-1] = [f"{old} {new}".strip() for old, new in zip(grid[-1], cells, strict=True)]
        else:
            grid.append(cells)
    return render_table(grid)


def _columns(rows: list[Row]) -> list[tuple[float, float]]:
    """Return left and right edge of each column: what overlaps in x is one column."""
    most = max(len(row) for row in rows)
    spans = sorted((line.left, line.right) for row in rows if len(row) * 2 > most for line in row)
    merged: list[tuple[float, float]] = []
    for left, right in spans:
        if merged and left < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], right))
        else:
            merged.append((left, right))
    return merged


def _overlap(line: Line, column: tuple[float, float]) -> float:
    return min(line.right, column[1]) - max(line.left, column[0])
