"""Label sets in a form that is cheap to compare, hash and sort."""

from collections.abc import Collection, Mapping

Labels = tuple[tuple[str, str], ...]
"""Pairs in the order of their names, the metric's name among them as ``__name__``. An empty value
means that the label is not there, so no pair has one.
"""

METRIC_NAME = "__name__"
PROCESS = "process"
"""Label of every series that comes from another process of the fleet: its id."""


def quoted(value: str) -> str:
    """Return the text as a string of PromQL, in double quotes."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def labels_of(pairs: Mapping[str, str]) -> Labels:
    """Return the label set of a mapping."""
    return tuple(sorted((name, value) for name, value in pairs.items() if value))


def value_of(labels: Labels, name: str) -> str:
    """Return the label's value, or the empty text when it is not there."""
    for label, value in labels:
        if label == name:
            return value
    return ""


def without_name(labels: Labels) -> Labels:
    """Return the labels without the metric's name."""
    return tuple(pair for pair in labels if pair[0] != METRIC_NAME)


def keep(labels: Labels, names: Collection[str]) -> Labels:
    """Return only the labels of those names."""
    return tuple(pair for pair in labels if pair[0] in names)


def drop(labels: Labels, names: Collection[str]) -> Labels:
    """Return the labels of all other names."""
    return tuple(pair for pair in labels if pair[0] not in names)


def changed(labels: Labels, changes: Mapping[str, str]) -> Labels:
    """Return the labels with those values set; an empty value removes its label."""
    return labels_of({**dict(labels), **changes})
