"""Puts the words of a page into lines, and the lines of columns in reading order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from trimtab.extraction.pdf_words import RTL, Word

_SAME_LINE = 0.45
"""Distance of base lines, in sizes of the letters, up to which words are in one line."""
_GAP = 1.6
"""Space between words, in sizes of the letters, that may lie between columns."""
_NUMBERS = 3
_GAP_OF_NUMBERS = 0.75
"""The same in a row with several numbers, as narrow tables have."""
_FEWEST_LINES = 2
_FEWEST_CHARACTERS = 18
"""A column of shorter lines is a table's."""


@dataclass(slots=True)
class Line:
    """A stretch of words on one base line without a wide gap."""

    words: tuple[Word, ...]
    left: float
    right: float
    base: float
    size: float
    text: str
    """The words in the order in which they are read."""

    @classmethod
    def of(cls, words: Sequence[Word]) -> "Line":
        """Make a line of words that are sorted from left to right."""
        return cls(
            tuple(words),
            min(word.left for word in words),
            max(word.right for word in words),
            median([word.base for word in words]),
            median([word.size for word in words]),
            _text(words),
        )

    @property
    def fixed(self) -> bool:
        """Return whether all words are in a font of fixed pitch."""
        return all(word.fixed for word in self.words)

    @property
    def hyphen(self) -> bool:
        """Return whether its last word continues in the next line."""
        return self.words[-1].hyphen


def _text(words: Sequence[Word]) -> str:
    text = " ".join([word.text for word in words])
    return text if text.isascii() or not RTL.search(text) else " ".join(_logical(words))


Row = list[Line]
"""The lines on one base line, from left to right."""


def page_rows(words: list[Word]) -> list[Row]:
    """Return the rows of a page in reading order: a row of one line is text, of several a table.

    Lines that are turned against most of the page follow it.
    """
    rows: list[Row] = []
    turns = sorted({word.turn for word in words}, key=lambda turn: -_letters(words, turn))
    for turn in turns:
        lines = _rows([word for word in words if word.turn == turn])
        rows += _in_order(lines)
    return rows


def _letters(words: list[Word], turn: int) -> int:
    return sum(len(word.text) for word in words if word.turn == turn)


def _rows(words: list[Word]) -> list[Row]:
    """Return the rows from top to bottom."""
    words.sort(key=lambda word: (-word.base, word.left))
    rows: list[list[Word]] = []
    for word in words:
        if rows and rows[-1][0].base - word.base <= _SAME_LINE * max(word.size, rows[-1][0].size):
            rows[-1].append(word)
        else:
            rows.append([word])
    return [list(_lines(row)) for row in rows]


def _lines(row: list[Word]) -> Iterator[Line]:
    row.sort(key=lambda word: word.left)
    numbers = sum(
        word.text[-1:].isdigit() and word.text.strip("-+.,()$%0123456789") == "" for word in row
    )
    widest = _GAP if numbers < _NUMBERS else _GAP_OF_NUMBERS
    line: list[Word] = []
    for word in row:
        if line and word.left - line[-1].right > widest * max(word.size, line[-1].size):
            yield Line.of(line)
            line = []
        line.append(word)
    yield Line.of(line)


def _in_order(rows: list[Row]) -> list[Row]:
    """Return the rows with columns of text one after another."""
    ordered: list[Row] = []
    for gutter, band in _bands(rows):
        if gutter is None:
            ordered += band
            continue
        for side in (
            [[line for line in row if line.right <= gutter] for row in band],
            [[line for line in row if line.left >= gutter] for row in band],
        ):
            ordered += _in_order([row for row in side if row])
    return ordered


def _bands(rows: list[Row]) -> Iterator[tuple[float | None, list[Row]]]:
    """Yield groups of rows, each with the place of the gutter between its two columns, if any."""
    gutter = _gutter(rows)
    if gutter is None:
        yield None, rows
        return
    for crossed, group in groupby(rows, key=lambda row: len(row) > 2 or _crosses(row, gutter)):
        band = list(group)
        yield (None if crossed or not _are_columns(band, gutter) else gutter), band


def _crosses(row: Row, gutter: float) -> bool:
    return any(line.left < gutter < line.right for line in row)


def _gutter(rows: list[Row]) -> float | None:
    """Return the place between two columns that most rows leave free, if there is one."""
    candidates: dict[float, int] = {}
    lefts = sorted({round(line.left) for row in rows for line in row if len(row) > 1})
    lefts = lefts or sorted({round(line.left) for row in rows for line in row})
    for left in lefts:
        at = left - 2.0
        if not _crosses_all(rows, at):
            candidates[at] = _support(rows, at)
    best = max(candidates, key=lambda at: candidates[at], default=None)
    return best if best is not None and candidates[best] >= 2 * _FEWEST_LINES else None


def _crosses_all(rows: list[Row], at: float) -> bool:
    return all(_crosses(row, at) for row in rows)


def _support(rows: list[Row], at: float) -> int:
    """Return how many lines lie on the thinner side, less those that cross."""
    free = [row for row in rows if not _crosses(row, at)]
    left = sum(line.right <= at for row in free for line in row)
    right = sum(line.left >= at for row in free for line in row)
    return 2 * min(left, right) - (len(rows) - len(free)) // 2


def _are_columns(band: list[Row], gutter: float) -> bool:
    """Return whether both sides are running text; else it is a table, or a list with its marks."""
    for inside in (
        [line for row in band for line in row if line.right <= gutter],
        [line for row in band for line in row if line.left >= gutter],
    ):
        if len(inside) < _FEWEST_LINES:
            return False
        lengths = [len(line.text) for line in inside]
        if median(lengths) < _FEWEST_CHARACTERS:
            return False
    return True


def _logical(words: Sequence[Word]) -> Iterator[str]:
    """Yield the words of a line with right-to-left words in the order in which they are read.

    The line goes from right to left if most of its words do; the words of the other direction keep
    theirs among each other.
    """
    strong = [word for word in words if any(letter.isalpha() for letter in word.text)]
    rtl = sum(word.rtl for word in strong) * 2 >= len(strong)
    runs = [
        list(group) for _, group in groupby(words, key=lambda word: word.rtl or not _is_ltr(word))
    ]
    if not rtl:
        for run in runs:
            yield from (word.text for word in (reversed(run) if run[0].rtl else run))
        return
    for run in reversed(runs):
        backwards = run[0].rtl or not _is_ltr(run[0])
        yield from (_turned(word) for word in (reversed(run) if backwards else run))


def _is_ltr(word: Word) -> bool:
    return any(letter.isalpha() for letter in word.text) and not word.rtl


def _turned(word: Word) -> str:
    """Return a word without letters with its full stop behind it, where it is read."""
    text = word.text
    if text[:1] in ".,:;" and text[1:].replace(".", "").replace(",", "").isdigit():
        return text[1:] + text[0]
    return text
