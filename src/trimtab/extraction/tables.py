"""Renders tables as text: each row a paragraph of ``column: value`` fields.

A row says by itself what its values are, so a passage or a quote needs no header above it.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from itertools import groupby, pairwise

Row = Sequence[str]
_MAX_NAME = 120
_MERGED = 12
"""Characters from which a text that is repeated in the next cell is one cell over both."""
_MAX_WORDS = 12
"""A longer cell of the first row is prose: the table has no header."""
_VALUE = re.compile(
    r"[-+(]?[$\u20ac\u00a3\u00a5]?\s?\d[\d\s.,:/%\u2009\u202f'-]*\)?"
    r"(?:\s?(?:%|[A-Za-z\u00b5\u00b0]{1,4}))?|[^\s@]+@[^\s@]+|\w+://\S+|true|false|yes|no|n/a|-+",
    re.IGNORECASE,
)
_NOTES = 10
"""Rows at most above a header."""
_LONGEST_VALUE = 60
_YEAR = re.compile(r"(?:19|20)\d\d")


def render_table(rows: Sequence[Row], header: bool | None = None) -> str:
    """Return the rows as paragraphs of ``column: value; column: value``.

    Args:
        rows: The cells' texts; rows may differ in length. A row with one cell in a wider table is
            a caption or a section and becomes a paragraph of its own.
        header: Whether the first row names the columns; None looks at the cells.
    """
    cleaned = [[" ".join(cell.split()) for cell in row] for row in rows]
    paragraphs = [text for text in _paragraphs(cleaned, header) if text]
    return "\n\n".join(paragraphs)


def _paragraphs(rows: list[list[str]], header: bool | None) -> Iterator[str]:
    """Yield a text for each row; after blank rows a table with its own header may follow."""
    names: list[str] = []
    for blank, group in groupby(rows, key=lambda row: not any(row)):
        for block in () if blank else _side_by_side(list(group)):
            names = yield from _table(block, header, names)


def _side_by_side(rows: list[list[str]]) -> list[list[list[str]]]:
    """Return the tables that stand next to each other with an empty column between."""
    width = max(map(len, rows))
    filled = [any(at < len(row) and row[at] for row in rows) for at in range(width)]
    parts = [
        [at for at, _ in group]
        for full, group in groupby(enumerate(filled), key=lambda entry: entry[1])
        if full
    ]
    if len(parts) < 2 or any(len(part) < 2 for part in parts):
        return [rows]
    return [
        [row[part[0] : part[-1] + 1] for row in rows if any(row[part[0] : part[-1] + 1])]
        for part in parts
    ]


def _table(
    rows: list[list[str]], header: bool | None, before: list[str]
) -> Generator[str, None, list[str]]:
    """Yield the rows of one table; return the names of its columns."""
    width = max(len(_distinct(row)) for row in rows)
    at = 0
    while at < len(rows) and (width == 1 or len(_distinct(rows[at])) == 1):
        yield next(cell for cell in rows[at] if cell)
        at += 1
    rows = rows[at:]
    if not rows:
        return before
    above, names, body = _header(rows, header)
    yield from ("; ".join(cell for cell in row if cell) for row in above)
    if not names and before and all(len(_filled(row)) == len(_filled(before)) for row in body):
        names = before
    if names and not body:
        yield "; ".join(_filled(names))
    for row in body:
        yield row[0] if _is_section(row) else _fields(row, names)
    return names


def _filled(row: Row) -> list[str]:
    return [cell for cell in row if cell]


def _is_section(row: Row) -> bool:
    """Return whether one text stands in all cells, as one cell over the whole table does."""
    return len(row) > 1 and len(set(row)) == 1 and not _is_value(row[0])


def _distinct(row: Row) -> set[str]:
    return {cell for cell in row if cell}


def _fields(row: Row, names: Row) -> str:
    if not names and len(filled := _filled(row)) == 2:
        return f"{_name(filled[0])}: {filled[1]}"
    named = (
        f"{name}: {cell}" if (name := names[at] if at < len(names) else "") else cell
        for at, cell in enumerate(row)
        if cell and not (at and cell == row[at - 1] and len(cell) >= _MERGED)
    )
    return "; ".join(named)


def _header(
    rows: list[list[str]], stated: bool | None
) -> tuple[list[list[str]], list[str], list[list[str]]]:
    """Return the rows above the header, the columns' names, and the rows below.

    There are no names where there is no header.
    """
    at = 0 if stated else _header_at(rows)
    if stated is False or at is None:
        return [], [], rows
    first, body = rows[at], rows[at + 1 :]
    repeats = any(a and a == b for a, b in pairwise(first))
    if repeats and len(body) > 1 and _names_columns(body):
        # A name over several columns, with the columns' own names below it.
        below = body[0] + [""] * (len(first) - len(body[0]))
        first = [
            lower if upper == lower or not upper else f"{upper} {lower}".strip()
            for upper, lower in zip(first, below, strict=False)
        ]
        body = body[1:]
    return rows[:at], [_name(name) for name in first], body


def _header_at(rows: list[list[str]]) -> int | None:
    """Return the row that names the columns; above it may stand notes that fill fewer cells."""
    width = max(len(_distinct(row)) for row in rows)
    for at in range(min(_NOTES, len(rows))):
        full = len(_filled(rows[at])) == width and len(_distinct(rows[at])) == width
        if full:
            first = at == 0 or len(_distinct(rows[at - 1])) < width
            return at if first and _names_columns(rows[at:]) else _first(rows)
    return _first(rows)


def _first(rows: list[list[str]]) -> int | None:
    return 0 if _names_columns(rows) else None


def _name(cell: str) -> str:
    return cell.rstrip(": ").replace(";", ",")[:_MAX_NAME].rstrip()


def _names_columns(rows: list[list[str]]) -> bool:
    """Return whether the first row looks like names of columns and not like values."""
    first, body = rows[0], rows[1:20]
    cells = [cell for cell in first if cell]
    width = max(len(_distinct(row)) for row in rows[:20])
    if len(rows) < 2 or len(cells) < 2 or len(cells) * 5 < width * 3:
        return False
    years = 0
    for at, cell in enumerate(first):
        if _YEAR.fullmatch(cell):
            years += not any(at < len(row) and _YEAR.fullmatch(row[at]) for row in body)
        elif cell and (_is_value(cell) or len(cell.split()) > _MAX_WORDS):
            return False
    values = any(_is_value(cell) for row in body for cell in row)
    plain = [cell for cell in cells if not _YEAR.fullmatch(cell)]
    unique = len({cell.casefold() for cell in cells}) == len(cells)
    if len(plain) + years < len(cells):
        return False
    return values or (unique and len(first) > 2) or (unique and len(rows) > 2)


def _is_value(cell: str) -> bool:
    return len(cell) <= _LONGEST_VALUE and _VALUE.fullmatch(cell) is not None
