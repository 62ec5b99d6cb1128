"""Reads rows of CSV, JSON and JSON Lines files for models."""

import csv
import hashlib
import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trimtab.kernel.errors import InvalidInput

Row = dict[str, Any]
MAX_SAMPLE = 5000
"""Rows that are sent: deciles of more differ by less than their noise."""
_SEED = 20261129


class RowsUnreadable(InvalidInput):
    """A file of rows cannot be read."""

    code = "models.rows_unreadable"
    default_hint = "Give a CSV file with a header, a JSON list of objects, or JSON Lines."


def read_rows(file: Path, label: str = "") -> tuple[list[Row], str]:
    """Return the rows without the label's column, and the SHA-256 of the file.

    Raises:
        RowsUnreadable: The file holds no rows, or lacks the label's column.
    """
    data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
        rows = _parse(file.suffix.lower(), text)
    except (ValueError, csv.Error) as error:
        raise RowsUnreadable(f"{file.name} cannot be read: {error}.") from error
    if not rows:
        raise RowsUnreadable(f"{file.name} holds no rows.")
    if label and label not in rows[0]:
        raise RowsUnreadable(
            f"{file.name} has no column {label!r}.", hint=f"It has: {', '.join(rows[0])[:300]}."
        )
    for row in rows:
        row.pop(label, None)
    return rows, hashlib.sha256(data).hexdigest()


def some_rows(rows: Sequence[Row]) -> list[Row]:
    """Return at most 5,000 of the rows, the same ones each time, in order."""
    if len(rows) <= MAX_SAMPLE:
        return list(rows)
    rng = random.Random(_SEED)  # noqa: S311 - a sample, no secret.
    return [rows[at] for at in sorted(rng.sample(range(len(rows)), MAX_SAMPLE))]


def _parse(suffix: str, text: str) -> list[Row]:
    if suffix == ".csv":
        return _convert_columns(list(csv.DictReader(io.StringIO(text, newline=""))))
    if suffix == ".json":
        found = json.loads(text)
    else:
        # Not `splitlines`: it also ends a line at U+0085 and U+2028, which texts may hold.
        found = [json.loads(line) for line in text.split("\n") if line.strip()]
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ValueError("it is not a list of objects")
    return found


def _convert_columns(rows: list[dict[str, Any]]) -> list[Row]:
    """Return the rows of a CSV file: a column of numbers becomes numbers, empty becomes null."""
    columns: dict[str, list[Any]] = {}
    for number, row in enumerate(rows, 2):
        if None in row:  # Where `csv` puts the values beyond the header.
            raise ValueError(f"row {number} has more values than the header has columns")
    for name in rows[0] if rows else ():
        values = [row.get(name) or None for row in rows]
        try:
            columns[name] = [None if value is None else _number(value) for value in values]
        except ValueError:
            columns[name] = values
    return [{name: values[at] for name, values in columns.items()} for at in range(len(rows))]


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        found = float(text)
    # "nan" in a CSV file is how pandas writes a missing number.
    return found
