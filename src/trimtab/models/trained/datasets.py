"""Reads labelled tables and texts to train and evaluate with."""

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trimtab.models.trained.errors import TrainingDataInvalid
from trimtab.models.trained.measures import Floats, Labels


@dataclass(frozen=True, slots=True)
class LabelledTable:
    """Rows of numbers with a class each."""

    values: Floats
    labels: Labels


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Texts with a class each."""

    texts: tuple[str, ...]
    labels: Labels


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of a file; raises `TrainingDataInvalid` when it cannot be read."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise TrainingDataInvalid(f"{file} cannot be read: {error.strerror}.") from error


def find_file(data: Path, name: str) -> Path:
    """Return the file ``name`` below the folder of data, or the folder itself if it is the file."""
    if data.is_file():
        return data
    file = data / name
    if file.is_file():
        return file
    short = data / Path(name).name
    if short.is_file():
        return short
    raise TrainingDataInvalid(f"{data} holds no {name}.")


def read_table(
    file: Path, columns: Sequence[str], target: str, names: dict[str, str]
) -> LabelledTable:
    """Read a CSV file with a header, or JSON lines with one object a row.

    Args:
        file: To read.
        columns: The features, in order; other columns are ignored.
        target: The column of the class.
        names: Class by the text in that column.

    Raises:
        TrainingDataInvalid: A column is missing, or a value is neither a number nor a class.
    """
    values: list[list[float]] = []
    labels: list[str] = []
    read = _json_rows if _is_json_lines(file) else _csv_rows
    for number, row in read(file, (*columns, target)):
        try:
            values.append([float(row[column]) for column in columns])
        except (TypeError, ValueError) as error:
            raise TrainingDataInvalid(f"{file.name}, line {number}: {error}.") from error
        label = names.get(str(row[target]).strip())
        if label is None:
            raise TrainingDataInvalid(
                f"{file.name}, line {number}: {row[target]!r} is not a class of {target}.",
                hint=f"The classes are {', '.join(names)}.",
            )
        labels.append(label)
    return LabelledTable(np.asarray(values, dtype=np.float64), np.asarray(labels))


def _csv_rows(file: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, Any]]]:
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            reader = csv.DictReader(opened)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise TrainingDataInvalid(f"{file.name} has no column {', '.join(missing[:5])}.")
            rows = list(enumerate(reader, start=2))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingDataInvalid(f"{file} cannot be read as CSV: {error}.") from error
    if not rows:
        raise TrainingDataInvalid(f"{file.name} has no rows.")
    return rows


def _is_json_lines(file: Path) -> bool:
    """Return whether the file begins as JSON lines do; its name may say nothing."""
    try:
        with file.open("rb") as opened:
            return opened.read(1) == b"{"
    except OSError as error:
        raise TrainingDataInvalid(f"{file} cannot be read: {error.strerror}.") from error


def _json_rows(file: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, Any]]]:
    records = read_json_lines(file)
    for number, record in records:
        missing = [name for name in columns if name not in record]
        if missing:
            raise TrainingDataInvalid(
                f"{file.name}, line {number} has no column {', '.join(missing[:5])}."
            )
    return records


def read_texts(file: Path, classes: Sequence[str]) -> LabelledTexts:
    """Read JSON lines with ``text`` and ``label``; raises `TrainingDataInvalid`."""
    texts: list[str] = []
    labels: list[str] = []
    for number, record in read_json_lines(file):
        text, label = record.get("text"), record.get("label")
        if not isinstance(text, str) or not isinstance(label, str) or label not in classes:
            raise TrainingDataInvalid(
                f"{file.name}, line {number}: a text and a label of {', '.join(classes)} are"
                " expected."
            )
        texts.append(text)
        labels.append(label)
    return LabelledTexts(tuple(texts), np.asarray(labels))


def read_json_lines(file: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return the objects of a JSON-lines file with their line numbers."""
    records: list[tuple[int, dict[str, Any]]] = []
    try:
        # Not `splitlines`: it also ends a line at U+0085 and U+2028, which texts may hold.
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingDataInvalid(f"{file} cannot be read: {error}.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise TrainingDataInvalid(f"{file.name}, line {number}: no JSON: {error}.") from error
        if not isinstance(record, dict):
            raise TrainingDataInvalid(f"{file.name}, line {number}: no JSON object.")
        records.append((number, record))
    if not records:
        raise TrainingDataInvalid(f"{file.name} has no lines.")
    return records
