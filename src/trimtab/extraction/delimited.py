"""Reads comma-separated and tab-separated values as a table."""

import csv
import io
from collections import Counter

from trimtab.extraction.tables import render_table

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50
_LONGEST_FIELD = 10_000_000


def render_delimited(text: str) -> str:
    """Return the rows with their header; a text without columns is returned as it is."""
    delimiter = _delimiter(text)
    if not delimiter:
        return text
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        return text
    return render_table(rows)


def _delimiter(text: str) -> str:
    """Return the character that cuts most rows into the same number of columns, or nothing."""
    best, chosen = 0.0, ""
    lines = text[:100_000].splitlines(keepends=True)
    for delimiter in _DELIMITERS:
        if delimiter not in text:
            continue
        try:
            rows = [
                row
                for row, _ in zip(
                    csv.reader(lines, delimiter=delimiter), range(_SAMPLE_ROWS), strict=False
                )
                if row
            ]
        except csv.Error:
            continue
        widths = Counter(len(row) for row in rows)
        wide = {width: count for width, count in widths.items() if width > 1}
        if not wide:
            continue
        share = max(wide.values()) / len(rows)
        if share > best:
            best, chosen = share, delimiter
    return chosen
