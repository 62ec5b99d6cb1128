"""Reads CSV and JSON lines in blocks of columns, within bounded memory."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from trimtab.models.monitoring.errors import BadDataFile
from trimtab.models.monitoring.profile import ReferenceProfile, Values

Block = Mapping[str, NDArray[Any]]
"""Rows as columns: floats, or an object array of texts, numbers and None."""
_BLOCK_BYTES = 4 << 20
_LONGEST_LINE = 1 << 20


def read_blocks(path: Path) -> Iterator[Block]:
    """Yield the rows of a file in blocks of at most a few megabytes.

    Args:
        path: ``.jsonl`` and ``.ndjson`` hold one object a line, everything else is CSV with a
            header.

    Raises:
        BadDataFile: The file cannot be read, or a row does not fit the header.
    """
    if path.suffix == ".parquet":
        raise BadDataFile(
            f"{path.name} is a Parquet file, which trimtab does not read.",
            hint="Write it as CSV, for example with pandas: `read_parquet(F).to_csv(G)`.",
        )
    reader = _json_lines if path.suffix in (".jsonl", ".ndjson") else _csv
    try:
        yield from reader(path)
    except OSError as error:
        raise BadDataFile(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadDataFile(f"{path} is not UTF-8 text: {error.reason}.") from error


def read_columns(path: Path) -> dict[str, NDArray[Any]]:
    """Return all rows of a file as columns."""
    blocks = list(read_blocks(path))
    if not blocks:
        raise BadDataFile(f"{path} has no rows.")
    names = list(dict.fromkeys(name for block in blocks for name in block))
    found = {}
    for name in names:
        parts = [_part(block, name) for block in blocks]
        found[name] = np.concatenate(parts)
    return {name: _typed(column) for name, column in found.items()}


def _part(block: Block, name: str) -> NDArray[Any]:
    if name in block:
        return block[name]
    rows = len(next(iter(block.values())))
    return np.full(rows, None, object)


def fit_columns(block: Block, profile: ReferenceProfile) -> dict[str, Values]:
    """Return the features of a block in the types that the profile expects.

    A value that is not a number where one is expected counts as missing.
    """
    found: dict[str, Values] = {}
    for feature in profile.features:
        if feature.feature not in block:
            continue
        column = block[feature.feature]
        found[feature.feature] = numbers_of(column) if feature.is_number else texts_of(column)
    return found


def numbers_of(column: NDArray[Any]) -> NDArray[np.float64]:
    """Return numbers; what is none becomes NaN."""
    if column.dtype.kind in "fiub":
        return np.ascontiguousarray(column, np.float64)
    filled = [value if value not in ("", None) else "nan" for value in column.tolist()]
    try:
        return np.array(filled, dtype=np.float64)
    except (ValueError, TypeError):
        return np.fromiter(map(_number, filled), np.float64, len(filled))


def texts_of(column: NDArray[Any]) -> NDArray[Any]:
    """Return categories as texts; ``True`` and ``true`` are one."""
    texts = [text_of(value) for value in column.tolist()]
    return np.array(texts, dtype=object)


def text_of(value: object) -> str | None:
    """Return a category as text; None when it is missing."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return text.lower() if text in ("True", "False") else text


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def _typed(column: NDArray[Any]) -> Values:
    """Return a column as numbers when every value is one, else as texts."""
    if column.dtype.kind in "fiub":
        return column.astype(np.float64)
    values = [value for value in column.tolist() if value not in ("", None)]
    if any(isinstance(value, bool) for value in values):
        return texts_of(column)
    try:
        np.array(values, dtype=np.float64)
    except (ValueError, TypeError):
        return texts_of(column)
    return numbers_of(column)


def _csv(path: Path) -> Iterator[Block]:
    with path.open("rb") as file:
        header = file.readline(_LONGEST_LINE).decode("utf-8-sig")
        names = next(csv.reader([header]), [])
        if not names or len(set(names)) != len(names):
            raise BadDataFile(f"{path} has no header with distinct column names.")
        rest, line = b"", 2
        while data := file.read(_BLOCK_BYTES):
            whole, found, rest = (rest + data).rpartition(b"\n")
            if not found:
                continue
            yield _csv_block(names, whole, path, line)
            line += whole.count(b"\n") + 1
        if rest.strip():
            yield _csv_block(names, rest, path, line)


def _csv_block(names: Sequence[str], data: bytes, path: Path, line: int) -> Block:
    data = data.replace(b"\r\n", b"\n").strip(b"\n")
    if (numbers := _all_numbers(data, len(names))) is not None:
        return {name: numbers[:, index] for index, name in enumerate(names)}
    rows = [row for row in csv.reader(io.StringIO(data.decode())) if row]
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise BadDataFile(
                f"{path}, about line {line + number}: {len(row)} values for {len(names)} columns."
            )
    columns = zip(*rows, strict=True)
    return {n: np.array(column, object) for n, column in zip(names, columns, strict=True)}


def _all_numbers(data: bytes, width: int) -> NDArray[np.float64] | None:
    """Return a block that has only numbers and gaps, else None.

    A JSON parser reads numbers ten times faster than `csv` and `float`.
    """
    text = b"[[" + data.replace(b"\n", b"],[") + b"]]"
    for gap, filled in (
        (b"[,", b"[null,"),
        (b",,", b",null,"),
        (b",,", b",null,"),
        (b",]", b",null]"),
    ):
        text = text.replace(gap, filled)
    try:
        rows = orjson.loads(text)
        if any(len(row) != width for row in rows):
            return None
        found = np.array(rows, dtype=np.float64)
    except (orjson.JSONDecodeError, ValueError, TypeError):
        return None
    # Texts that look like numbers would have been converted too: only what JSON calls a number.
    return found if found.ndim == 2 and b'"' not in text else None


def _json_lines(path: Path) -> Iterator[Block]:
    rows: list[dict[str, Any]] = []
    size = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise BadDataFile(f"{path}, line {number} is not JSON: {error}.") from error
            if not isinstance(row, dict):
                raise BadDataFile(f"{path}, line {number} is not a JSON object.")
            rows.append(row)
            size += len(line)
            if size >= _BLOCK_BYTES:
                yield columns_of(rows)
                rows, size = [], 0
    if rows:
        yield columns_of(rows)


def columns_of(rows: Sequence[Mapping[str, Any]]) -> Block:
    """Return rows as columns; a value that a row lacks is None."""
    names = dict.fromkeys(name for row in rows for name in row)
    found = {}
    for name in names:
        column = np.empty(len(rows), object)
        column[:] = [row.get(name) for row in rows]
        found[name] = column
    return found
