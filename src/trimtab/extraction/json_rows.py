"""Renders JSON as text: each object a row of ``field: value``, as the rows of tables.

Objects inside objects are named by their path (``server.port: 8080``). Objects of a list inside a
record repeat the record's first field, so that each row says by itself whose it is.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_LARGEST = 10_000_000
"""Characters; a larger document would take several times its size in memory and stays text."""
_LONGEST_ROW = 400
_LONGEST_VALUE = 200
"""Characters; a longer text is a paragraph of its own."""
_MAX_NAME = 120

Field = tuple[str, str]


def render_json(text: str) -> str:
    """Return the objects of a JSON or JSON Lines document as rows; any other text as it is."""
    try:
        rendered = "\n\n".join(paragraph for value in _values(text) for paragraph in _rows(value))
    except (ValueError, RecursionError):
        return text
    return rendered or text


def json_object(line: str) -> dict[str, Any] | None:
    """Return the object that a line holds, numbers as they are written, or None."""
    if not line.startswith("{"):
        return None
    try:
        found = _parsed(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def render_record(record: Mapping[str, Any]) -> str:
    """Return the paragraphs of one object of a list."""
    return "\n\n".join(_Rows().record(record))


def _values(text: str) -> Iterator[Any]:
    """Yield the values of the document, or of its lines.

    Raises:
        ValueError: It is neither.
    """
    if len(text) <= _LARGEST:
        try:
            yield _parsed(text)
        except json.JSONDecodeError as error:
            # More text after a value: it may be JSON Lines.
            if not error.msg.startswith("Extra data"):
                raise
        else:
            return
    # Not `splitlines`: it also ends a line at U+0085 and U+2028, which a text may hold.
    for line in text.split("\n"):
        if line.strip():
            yield [_parsed(line)]


def _parsed(text: str) -> Any:
    # Numbers stay as they are written: 1.10 is not 1.1.
    return json.loads(text, parse_float=str, parse_int=str)


def _rows(value: Any) -> Iterator[str]:
    match value:
        case dict():
            yield from _Rows().object(value)
        case list():
            for entry in value:
                if isinstance(entry, dict):
                    yield from _Rows().record(entry)
                else:
                    yield _short(entry)
        case _:
            yield _short(value)


@dataclass
class _Rows:
    """Writes the rows of one object."""

    _lists: list[tuple[str, Sequence[Any]]] = field(default_factory=list)
    """Lists of objects, which follow the object's own rows."""
    _long: list[Field] = field(default_factory=list)

    def object(self, value: Mapping[str, Any]) -> Iterator[str]:
        """Yield the rows of a single object: one or more for each object in it."""
        for group in self._groups(value, ""):
            yield from _packed([group], None)
        yield from self._rest(None)

    def record(self, value: Mapping[str, Any], path: str = "") -> Iterator[str]:
        """Yield the rows of an object of a list: one, as long as it is short."""
        groups = list(self._groups(value, path))
        lead = groups[0][0] if groups else None
        yield from _packed(groups, lead)
        yield from self._rest(lead)

    def _rest(self, lead: Field | None) -> Iterator[str]:
        before = f"{lead[0]}: {lead[1]}; " if lead else ""
        for name, text in self._long:
            yield f"{name}:\n\n{text}"
        for path, entries in self._lists:
            for entry in entries:
                rows = _Rows().record(entry, path) if isinstance(entry, dict) else [_short(entry)]
                yield from (before + row for row in rows)

    def _groups(self, value: Mapping[str, Any], path: str) -> Iterator[list[Field]]:
        """Yield the short fields of the object, then those of each object in it."""
        own: list[Field] = []
        inner: list[tuple[str, Mapping[str, Any]]] = []
        for key, entry in value.items():
            name = f"{path}.{key}" if path else str(key)
            if isinstance(entry, dict):
                inner.append((name, entry))
            elif isinstance(entry, list) and any(isinstance(part, dict) for part in entry):
                self._lists.append((name, entry))
            elif isinstance(entry, str) and (len(entry) > _LONGEST_VALUE or "\n" in entry.strip()):
                self._long.append((_name(name), entry.strip()))
            elif short := _short(entry):
                own.append((_name(name), short))
        if own:
            yield own
        for name, entry in inner:
            yield from self._groups(entry, name)


def _name(path: str) -> str:
    return " ".join(path.split()).replace(";", ",").replace(":", " ")[:_MAX_NAME].rstrip()


def _short(value: Any) -> str:
    """Return a value without objects on one line; nothing for what is empty."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(filter(None, map(_short, value)))
        case dict():
            return "; ".join(_Rows().record(value))
        case _:
            return " ".join(str(value).split())


def _packed(groups: Sequence[Sequence[Field]], lead: Field | None) -> Iterator[str]:
    """Yield the fields in rows that are not too long; each but the first repeats the lead."""
    row: list[Field] = []
    length = 0
    for entry in (entry for group in groups for entry in group):
        size = len(entry[0]) + len(entry[1]) + 4
        if row and length + size > _LONGEST_ROW:
            yield _line(row)
            row = [lead] if lead else []
            length = sum(map(len, lead)) if lead else 0
        row.append(entry)
        length += size
    if row:
        yield _line(row)


def _line(row: Sequence[Field]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in row)
