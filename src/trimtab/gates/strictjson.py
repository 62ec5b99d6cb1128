"""Strict JSON parser: refuses duplicate keys, NaN, infinity and huge numbers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from trimtab.gates.codes import finding
from trimtab.gates.records import Finding

LARGEST = 2**53
"""Beyond this, a reader that keeps numbers as doubles silently changes them."""
MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Parsed:
    """A parsed document and its findings."""

    value: object
    findings: tuple[Finding, ...] = ()


def parse(raw: bytes, *, name: str = "$") -> Parsed:
    """Parse a document; return it with a finding for each ambiguity.

    A document without findings has the same value for every conforming parser. With findings,
    ``value`` may be None.

    Args:
        raw: UTF-8 without byte-order mark.
        name: Root of the JSON paths in findings.
    """
    if len(raw) > MAX_BYTES:
        return Parsed(
            None, (finding("schema.invalid_json", name, f"{len(raw)} bytes is too large"),)
        )
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        whole = (finding("schema.invalid_json", name, _readable(error)),)
        return Parsed(None, _not_finite(raw, name) or whole)
    count, large = _walk(value)
    found = [] if not large else _large(value, name)
    if not _each_key_once(raw, count):
        found += _duplicate_keys(raw, name)
    return Parsed(value, tuple(found))


def _readable(error: orjson.JSONDecodeError) -> str:
    return f"{error.msg} (line {error.lineno}, column {error.colno})" if error.doc else str(error)


def _not_finite(raw: bytes, name: str) -> tuple[Finding, ...]:
    """Return a finding for each NaN or infinity, which JSON forbids."""
    try:
        value = json.loads(raw, parse_constant=_Constant)
    except (ValueError, RecursionError):
        return ()
    return tuple(
        finding("schema.invalid_json", path, f"{node} is not JSON: a measured value is missing")
        for path, node in _nodes(value, name)
        if isinstance(node, _Constant)
    )


class _Constant(str):
    """A NaN, Infinity or -Infinity literal."""

    __slots__ = ()


def _nodes(root: object, name: str) -> Iterator[tuple[str, object]]:
    stack: list[tuple[str, object]] = [(name, root)]
    while stack:
        path, node = stack.pop()
        yield path, node
        if isinstance(node, dict):
            stack.extend((f"{path}.{key}", child) for key, child in node.items())
        elif isinstance(node, list):
            stack.extend((f"{path}[{index}]", child) for index, child in enumerate(node))


def _walk(root: object) -> tuple[int, bool]:
    """Return the number of keys, and whether a number is too large."""
    keys, large = 0, False
    stack: list[object] = [root]
    while stack:
        node = stack.pop()
        if type(node) is dict:
            keys += len(node)
            children: object = node.values()
        else:
            children = node if type(node) is list else (node,)
        for child in children:  # type: ignore[attr-defined]  # values, list or tuple.
            kind = type(child)
            if kind is dict or kind is list:
                stack.append(child)
            elif (kind is int or kind is float) and not -LARGEST <= child <= LARGEST:
                large = True
    return keys, large


def _each_key_once(raw: bytes, parsed_keys: int) -> bool:
    """Return True if duplicate keys are impossible; False if unknown.

    A key that has no blank before its colon ends in ``":``, which may also occur inside a string.
    With no blank before any colon, it therefore occurs at least once for each key in the text; if
    it occurs as often as there are keys that survived parsing, none was doubled.
    """
    blank_before_colon = any(blank in raw for blank in (b" :", b"\t:", b"\n:", b"\r:"))
    return not blank_before_colon and raw.count(b'":') == parsed_keys


class _Pairs(list[tuple[str, object]]):
    """Members of an object as key-value pairs, with duplicates."""


def _duplicate_keys(raw: bytes, root: str) -> list[Finding]:
    found: list[Finding] = []
    try:
        tree = json.loads(raw, object_pairs_hook=_Pairs)
    except RecursionError:
        return [finding("schema.invalid_json", root, "it is nested too deeply to be checked")]
    stack: list[tuple[str, object]] = [(root, tree)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, _Pairs):
            seen: set[str] = set()
            for key, child in node:
                if key in seen:
                    found.append(
                        finding("schema.duplicate_key", f"{path}.{key}", "the key is doubled")
                    )
                seen.add(key)
                stack.append((f"{path}.{key}", child))
        elif isinstance(node, list):
            stack.extend((f"{path}[{index}]", child) for index, child in enumerate(node))
    return found


def _large(root: object, name: str) -> list[Finding]:
    return [
        finding("schema.number_too_large", path, f"{node!r} is beyond 2^53")
        for path, node in _nodes(root, name)
        if isinstance(node, int | float) and not -LARGEST <= node <= LARGEST
    ]
