"""Reads Excel workbooks: each visible sheet as rows with their header, values as they are shown."""

import io
import sys
from typing import Any

from trimtab.extraction.number_formats import shown
from trimtab.extraction.records import Extracted, Refusal
from trimtab.extraction.tables import render_table

# openpyxl would import numpy only to recognise its types, at a tenth of a second and 30 MB.
_HIDDEN = "numpy" not in sys.modules
if _HIDDEN:
    sys.modules["numpy"] = None  # type: ignore[assignment]
import openpyxl  # noqa: E402 - after the lines above.

if _HIDDEN:
    del sys.modules["numpy"]


def read_workbook(data: bytes) -> Extracted:
    """Return the visible cells of a workbook, and what is left out.

    Raises:
        Refusal: The workbook is damaged.
    """
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
        sections, warnings = [], []
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                warnings.append(f"The sheet {sheet.title!r} is hidden and left out.")
                continue
            text, hidden = _sheet(sheet)
            sections += [f"## {sheet.title}\n\n{text}"] if text else []
            if hidden:
                warnings.append(f"{hidden} of the sheet {sheet.title!r} left out: hidden.")
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError) as error:
        raise Refusal("unreadable", f"{type(error).__name__}: {error}") from error
    return Extracted("\n\n".join(sections), str(book.properties.title or ""), (), tuple(warnings))


def _sheet(sheet: Any) -> tuple[str, str]:
    """Return the sheet's text, and how many of its rows and columns are hidden."""
    hidden_rows = {at for at, row in sheet.row_dimensions.items() if row.hidden}
    hidden_columns = {
        at
        for column in sheet.column_dimensions.values()
        if column.hidden
        for at in range(column.min or 0, min(column.max or 0, sheet.max_column) + 1)
    }
    merged = _merged(sheet)
    rows = [
        [
            merged.get((cell.row, cell.column)) or _cell(cell)
            for cell in row
            if cell.column not in hidden_columns
        ]
        for number, row in enumerate(sheet.iter_rows(), 1)
        if number not in hidden_rows
    ]
    hidden_rows = {at for at in hidden_rows if at <= sheet.max_row}
    return render_table(rows), _counted(len(hidden_rows), len(hidden_columns))


def _merged(sheet: Any) -> dict[tuple[int, int], str]:
    """Return the text of each cell that is part of a merged one, by row and column."""
    texts: dict[tuple[int, int], str] = {}
    for area in sheet.merged_cells.ranges:
        text = _cell(sheet.cell(area.min_row, area.min_col))
        bottom, right = min(area.max_row, sheet.max_row), min(area.max_col, sheet.max_column)
        for row in range(area.min_row, bottom + 1) if text else ():
            texts |= {(row, column): text for column in range(area.min_col, right + 1)}
    return texts


def _cell(cell: Any) -> str:
    text = shown(cell.value, cell.number_format)
    if cell.comment is not None and cell.comment.text.strip():
        return f"{text} (note: {' '.join(cell.comment.text.split())})".strip()
    return text


def _counted(rows: int, columns: int) -> str:
    parts = [
        f"{count} {name}{'s' * (count != 1)}"
        for count, name in ((rows, "row"), (columns, "column"))
        if count
    ]
    return " and ".join(parts)
