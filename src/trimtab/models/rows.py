"""Input rows checked against a schema, and outputs of a model, both as arrays."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.models.errors import InvalidRows
from trimtab.models.records import ColumnKind, InputColumn, InputSchema

_MAX_TEXT = 100_000
_NUMBERS = frozenset((int, float))
_NUMBERS_AND_TRUTH = frozenset((int, float, bool))
_SHOWN = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that fit a schema.

    Attributes:
        names: Of the columns, in the order of the schema.
        values: Shape (rows, columns) when all columns are numbers; NaN means missing. None
            otherwise.
        columns: Values of each column by name when some are not numbers; None means missing.
            Empty otherwise.
    """

    names: tuple[str, ...]
    values: Floats | None = None
    columns: Mapping[str, list[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        if self.values is not None:
            return len(self.values)
        return len(next(iter(self.columns.values()), ()))

    def column(self, name: str) -> list[Any] | Floats:
        """Return the values of one column."""
        if self.values is not None:
            column: Floats = self.values[:, self.names.index(name)]
            return column
        return self.columns[name]

    @classmethod
    def join(cls, parts: Sequence["Rows"]) -> "Rows":
        """Return the rows of several requests for one model as one batch."""
        first = parts[0]
        if len(parts) == 1:
            return first
        if first.values is not None:
            return cls(
                first.names, np.concatenate([p.values for p in parts if p.values is not None])
            )
        joined = {
            name: list(chain.from_iterable(part.columns[name] for part in parts))
            for name in first.names
        }
        return cls(first.names, columns=joined)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Outputs of a model for each row.

    Attributes:
        values: Shape (rows,): the score of the positive class, the probability of the label, or
            the predicted number of a regression.
        confidence: Shape (rows,): how sure the model is, in [0, 1]; for classes the probability of
            the label.
        classes: Labels, in the order of `probabilities`; empty for a regression.
        labels: Index into `classes` for each row; None for a regression.
        probabilities: Shape (rows, classes); None when the model gives none.
        details: Further JSON-ready facts of each row; empty when there are none.
    """

    values: Floats
    confidence: Floats
    classes: tuple[str, ...] = ()
    labels: NDArray[np.intp] | None = None
    probabilities: Floats | None = None
    details: tuple[Mapping[str, Any], ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def part(self, start: int, stop: int) -> "Outputs":
        """Return the outputs of the rows from ``start`` to before ``stop``."""
        return Outputs(
            self.values[start:stop],
            self.confidence[start:stop],
            self.classes,
            None if self.labels is None else self.labels[start:stop],
            None if self.probabilities is None else self.probabilities[start:stop],
            self.details[start:stop],
        )

    def to_json(self) -> list[dict[str, Any]]:
        """Return one JSON object for each row, as the API shows it."""
        return list(self._each())

    def _each(self) -> Iterator[dict[str, Any]]:
        labels = None if self.labels is None else self.labels.tolist()
        shares = None if self.probabilities is None else self.probabilities.tolist()
        confidence = self.confidence.tolist()
        for at, value in enumerate(self.values.tolist()):
            row: dict[str, Any] = {"value": value, "confidence": confidence[at]}
            if labels is not None:
                row["label"] = self.classes[labels[at]]
            if shares is not None:
                row["probabilities"] = dict(zip(self.classes, shares[at], strict=True))
            if self.details:
                row["details"] = self.details[at]
            yield row


def parse_rows(schema: InputSchema, records: Sequence[Mapping[str, Any]]) -> Rows:
    """Return the rows as arrays in the order of the schema.

    Raises:
        InvalidRows: There are none, or a row has a missing, unknown or wrong value; the message
            names row and column.
    """
    if not records:
        raise InvalidRows("The batch has no rows.", hint="Send at least one row.")
    names = schema.names
    if schema.is_numeric:
        return Rows(names, _numbers(schema, records))
    for at, record in enumerate(records):
        _check_names(schema, record, at)
    columns = {
        column.name: [
            _check_value(column, record.get(column.name), at) for at, record in enumerate(records)
        ]
        for column in schema.columns
    }
    return Rows(names, columns=columns)


def _numbers(schema: InputSchema, records: Sequence[Mapping[str, Any]]) -> Floats:
    """Return the matrix of a numeric schema; the slow path only finds what is wrong or missing."""
    expected = len(schema.columns)
    try:
        flat = list(chain.from_iterable(map(schema.values_of, records)))
        if not set(map(type, flat)) <= _NUMBERS or not set(map(len, records)) == {expected}:
            raise TypeError
        # The sum of finite numbers is finite, or so large that the slow path looks at each.
        if not math.isfinite(sum(flat)):
            raise TypeError
        values = np.array(flat, dtype=np.float64).reshape(len(records), expected)
    except (KeyError, TypeError, OverflowError):
        return _slow_numbers(schema, records)
    if not schema.is_unbounded and _out_of_bounds(schema, values):
        return _slow_numbers(schema, records)
    return values


def _out_of_bounds(schema: InputSchema, values: Floats) -> bool:
    for index, column in enumerate(schema.columns):
        if column.minimum is not None and (values[:, index] < column.minimum).any():
            return True
        if column.maximum is not None and (values[:, index] > column.maximum).any():
            return True
    return any(column.kind is ColumnKind.BOOLEAN for column in schema.columns)


def _slow_numbers(schema: InputSchema, records: Sequence[Mapping[str, Any]]) -> Floats:
    values = np.empty((len(records), len(schema.columns)))
    for at, record in enumerate(records):
        _check_names(schema, record, at)
        for index, column in enumerate(schema.columns):
            found = _check_value(column, record.get(column.name), at)
            values[at, index] = math.nan if found is None else found
    return values


def _check_names(schema: InputSchema, record: Mapping[str, Any], at: int) -> None:
    if not isinstance(record, Mapping):
        raise InvalidRows(
            f"Row {at} is {_kind_of(record)}, not an object.",
            hint='Send each row as an object: {"column": value, ...}.',
        )
    known = set(schema.names)
    if unknown := sorted(str(name) for name in set(record) - known):
        raise InvalidRows(
            f"Row {at} has {_several('unknown column', unknown)}.",
            hint=f"The model expects: {', '.join(schema.names[:30])}.",
        )
    missing = [c.name for c in schema.columns if c.required and c.name not in record]
    if missing:
        raise InvalidRows(
            f"Row {at} lacks {_several('column', missing)}.",
            hint="Send every required column in each row.",
        )


def _check_value(column: InputColumn, value: Any, at: int) -> Any:
    """Return the value as the model gets it: a float, a text or None."""
    if value is None:
        if column.required:
            raise _wrong(column, at, "is null, and the column is required")
        return None
    match column.kind:
        case ColumnKind.NUMBER:
            return _check_number(column, value, at)
        case ColumnKind.BOOLEAN:
            if type(value) not in _NUMBERS_AND_TRUTH or value not in (0, 1):
                raise _wrong(column, at, f"is {_kind_of(value)}, not true or false")
            return float(value)
        case ColumnKind.CATEGORY | ColumnKind.TEXT:
            return _check_text(column, value, at)


def _check_text(column: InputColumn, value: Any, at: int) -> str:
    if not isinstance(value, str):
        raise _wrong(column, at, f"is {_kind_of(value)}, not a text")
    if len(value) > _MAX_TEXT:
        raise _wrong(column, at, f"is longer than {_MAX_TEXT} characters")
    return value


def _check_number(column: InputColumn, value: Any, at: int) -> float:
    if type(value) not in _NUMBERS:
        raise _wrong(column, at, f"is {_kind_of(value)}, not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _wrong(column, at, "is NaN or infinite")
    low = -math.inf if column.minimum is None else column.minimum
    high = math.inf if column.maximum is None else column.maximum
    if not low <= number <= high:
        raise _wrong(column, at, f"is {number}, outside of {low} to {high}")
    return number


def _wrong(column: InputColumn, at: int, problem: str) -> InvalidRows:
    return InvalidRows(f"Column {column.name!r} of row {at} {problem}.")


def _kind_of(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "an object" if isinstance(value, Mapping) else "a list"


def _several(what: str, names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:80]) for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"the {what}{'s' if len(names) > 1 else ''} {shown}{more}"
