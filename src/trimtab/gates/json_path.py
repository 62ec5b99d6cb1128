"""Reads fields of a JSON document by a dotted path."""

from typing import Any


def values_at(document: Any, path: str) -> list[Any]:
    """Return the values at a path such as ``metrics.accuracy``, sorted, numbers first.

    Lists on the path are flattened: ``results.duration_s`` (also ``results[].duration_s``) returns
    one value for each result. The value of a missing field is None.
    """
    values: list[Any] = [document]
    for field in filter(None, path.replace("[]", "").strip(".").split(".")):
        items = [
            item for value in values for item in (value if isinstance(value, list) else [value])
        ]
        values = [item.get(field) if isinstance(item, dict) else None for item in items]
    return sorted(
        values, key=lambda value: (isinstance(value, str), value if value is not None else 0)
    )
