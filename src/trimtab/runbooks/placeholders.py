"""Values of an incident in a page: ``$name`` stands for the label ``name`` of its alerts."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from trimtab.kernel.operable import Param
from trimtab.monitoring.labels import quoted
from trimtab.runbooks.errors import PlaceholderUnknown

_PLACEHOLDER = re.compile(r"\$([a-z_][a-z0-9_]*)")
_MATCHER = re.compile(r'(?<![=!~])(!?=)(\s*)"\$([a-z_][a-z0-9_]*)"')
"""A label that is compared with a whole value; within a pattern a value would be a pattern, too."""
_Value = TypeVar("_Value")

LabelValues = Mapping[str, Collection[str]]
"""The values of each label in the alerts of an incident."""


def label_values(labels: Iterable[Mapping[str, str]]) -> LabelValues:
    """Return the different values of each label in the labels of several alerts."""
    found: dict[str, set[str]] = {}
    for each in labels:
        for name, value in each.items():
            if value:
                found.setdefault(name, set()).add(value)
    return found


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of the placeholders in a text, each once."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))


def bind_expression(expression: str, values: LabelValues) -> str:
    """Return the PromQL expression with the values of an incident, quoted.

    Raises:
        PlaceholderUnknown: The alerts do not have the label, or have several values of it.
    """
    return _MATCHER.sub(
        lambda found: f"{found[1]}{found[2]}{quoted(_value(found[3], values))}", expression
    )


def bind_arguments(given: Mapping[str, _Value], values: LabelValues) -> dict[str, _Value | str]:
    """Return the arguments of a command with the values of an incident.

    Raises:
        PlaceholderUnknown: The alerts do not have the label, or have several values of it.
    """
    return {
        key: _value(found[1], values)
        if isinstance(value, str) and (found := _PLACEHOLDER.fullmatch(value))
        else value
        for key, value in given.items()
    }


def match_any(expression: str) -> str:
    """Return the expression as it holds for some object, whichever it is."""
    return _MATCHER.sub(lambda found: f'{"=~" if found[1] == "=" else "!~"}".+"', expression)


def problem_in_expression(expression: str, labels: Collection[str]) -> str:
    """Return what is wrong with the placeholders of an expression; empty when nothing is.

    Args:
        expression: The PromQL of a check.
        labels: Names of the labels that signals have.
    """
    bound = {found[3] for found in _MATCHER.finditer(expression)}
    for name in names_in(_MATCHER.sub("", expression)):
        return f'${name} is not compared as a whole value, as in {{{name}="${name}"}}.'
    for name in sorted(bound - set(labels)):
        return f"no signal has a label {name!r}, so no alert can give a value of ${name}."
    return ""


def problem_in_argument(value: str, labels: Collection[str]) -> str:
    """Return what is wrong with the placeholder in an argument; empty when nothing is."""
    for name in names_in(value):
        if _PLACEHOLDER.fullmatch(value) is None:
            return f"${name} is not the whole value of its argument."
        if name not in labels:
            return f"no signal has a label {name!r}, so no alert can give a value of ${name}."
    return ""


def sample_arguments(params: Iterable[Param], given: Mapping[str, object]) -> dict[str, object]:
    """Return the arguments with a value that each parameter takes in place of a placeholder."""
    takes = {each.name: each for each in params}
    return {
        key: _sample(takes[key])
        if key in takes and isinstance(value, str) and names_in(value)
        else value
        for key, value in given.items()
    }


def _sample(param: Param) -> object:
    if param.choices:
        return param.choices[0]
    return "x" if param.type == "string" else param.minimum or 1


def _value(name: str, values: LabelValues) -> str:
    found = sorted(values.get(name, ()))
    if not found:
        raise PlaceholderUnknown(f"The alerts of the incident have no label {name!r}.")
    if len(found) > 1:
        raise PlaceholderUnknown(
            f"The alerts of the incident name more than one {name}: {', '.join(found[:5])}."
        )
    return found[0]
