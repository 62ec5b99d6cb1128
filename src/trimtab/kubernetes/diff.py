"""The difference between two states of an object, as lines that a person reads in a plan."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_SERVER_FIELDS = frozenset(
    {
        "managedFields",
        "resourceVersion",
        "generation",
        "uid",
        "creationTimestamp",
        "selfLink",
    }
)
"""Metadata that the server writes; it says nothing about what a person decides."""
_SERVER_NOTES = frozenset({"deployment.kubernetes.io/revision"})
"""Annotations that controllers write."""
_SECRET = re.compile(r"(?i)password|passwd|secret|token|credential|api_?key")
"""Paths whose values are not shown, such as ``env[DB_PASSWORD].value``."""
_LINE = 200
"""Longest value in a line, in characters."""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one line for each field that differs, as ``path: old -> new``.

    The status, and metadata that the server writes, are left out. Lists of named items, such as
    containers, are compared by name.
    """
    old, new = dict(_leaves(_relevant(before))), dict(_leaves(_relevant(after)))
    paths = sorted({*old, *new})
    return tuple(
        f"{path}: {_shown(path, old.get(path))} -> {_shown(path, new.get(path))}"
        for path in paths
        if old.get(path) != new.get(path)
    )


def _relevant(found: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in found.items() if key != "status"}
    meta = kept.get("metadata")
    if isinstance(meta, Mapping):
        shown = {key: each for key, each in meta.items() if key not in _SERVER_FIELDS}
        annotations = shown.pop("annotations", None) or {}
        shown["annotations"] = {k: v for k, v in annotations.items() if k not in _SERVER_NOTES}
        kept["metadata"] = shown
    return kept


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, each in enumerate(value):
            name = each.get("name") if isinstance(each, Mapping) else None
            yield from _leaves(each, f"{path}[{name or number}]")
    else:
        yield path, value


def _shown(path: str, value: Any) -> str:
    if value is None:
        return "absent"
    if _SECRET.search(path) and not path.endswith(".name"):
        return "(hidden)"
    text = str(value).replace("\n", "\\n")
    return text if len(text) <= _LINE else text[:_LINE] + "..."
