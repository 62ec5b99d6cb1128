"""Limits of JSON bodies: depth, number of values, and what other programs can read."""

import json

from trimtab.kernel.errors import InvalidInput

MAX_DEPTH = 64
"""Maximum nesting of lists and objects. Every route's schema needs fewer than ten; later code
recurses, and fails with an error of its own at a few hundred.
"""
MAX_VALUES = 20_000
"""Maximum number of values in a body. The route's schema validates each on the event loop, about 20
ms in total.
"""
NUL = "\0"
"""The character that no stored text may have."""
_SHOWN_NAME = 100
"""Characters of a name that an error message quotes."""
_Place = tuple["_Place | None", str | int]
"""A value's place in JSON: that of its parent, and its name or number in it. A text for each place
would take as much memory as the values times the longest name.
"""
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


class InvalidRequest(InvalidInput):
    """The request does not match the schema of the route."""

    code = "api.invalid_request"
    default_hint = "`/console/api` shows the schema of every request."


class BodyTooComplex(InvalidInput):
    """A JSON body is nested too deep or holds too many values."""

    code = "api.body_too_complex"


def check_shape(body: bytes) -> None:
    """Raise `BodyTooComplex` for JSON with too deep nesting or too many values.

    Linear time. Strings are removed first: a long text may contain any number of brackets and
    commas.
    """
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') > 4 * MAX_VALUES:  # A value and its name have two each.
        raise _too_many()
    bare = b"".join(plain.split(b'"')[::2])
    if bare.count(b",") + bare.count(b"[") + bare.count(b"{") > MAX_VALUES:
        raise _too_many()
    brackets = bare.translate(None, _NO_BRACKETS)
    if len(brackets) > 2 * MAX_VALUES:
        raise _too_many()
    depth = 0
    for byte in brackets:
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise BodyTooComplex(
                    f"The JSON is nested deeper than {MAX_DEPTH} levels.", hint="Send it flatter."
                )
        else:
            depth -= 1


def refuse_nul(body: bytes, value: object) -> None:
    """Raise `InvalidRequest` if a text or name of the parsed JSON has the character NUL.

    PostgreSQL stores no text with it, and both engines accept the same. In JSON it can be written
    as an escape only, so a body without that escape is not searched.

    Args:
        body: The JSON.
        value: What it was parsed to.
    """
    if b"\\u0000" not in body:
        return
    waiting: list[tuple[_Place | None, object]] = [(None, value)]
    while waiting:
        place, found = waiting.pop()
        if isinstance(found, dict):
            waiting += (((place, key), key) for key in found)
            waiting += (((place, key), each) for key, each in found.items())
        elif isinstance(found, list):
            waiting += (((place, number), each) for number, each in enumerate(found))
        elif isinstance(found, str) and NUL in found:
            raise nul_refused(_describe_place(place))


def refuse_doubled_names(body: bytes, value: object) -> None:
    """Raise `InvalidRequest` if an object of the JSON has a name twice.

    Parsers disagree on which value counts, so a checker before this service may have seen another.
    A name that has no blank before its colon ends in ``":``. As many of these as names that
    survived parsing prove that none was doubled; all else is parsed again to find out.

    Args:
        body: The JSON, in UTF-8.
        value: What it was parsed to.
    """
    blank_before_colon = any(blank in body for blank in (b" :", b"\t:", b"\n:", b"\r:"))
    if blank_before_colon or body.count(b'":') != _count_names(value):
        json.loads(body.decode(), object_pairs_hook=_once)


def _count_names(value: object) -> int:
    names, waiting = 0, [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            names += len(found)
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
    return names


def _once(members: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object with its members; raises `InvalidRequest` for a doubled name."""
    made: dict[str, object] = {}
    for name, value in members:
        if name in made:
            raise InvalidRequest(
                f"The JSON has the name {name[:_SHOWN_NAME]!r} twice in one object.",
                hint="Send each name once, then repeat the call.",
            )
        made[name] = value
    return made


def _describe_place(place: "_Place | None") -> str:
    """Return the place of a value in JSON, such as ``rows[3].name``, with long names shortened."""
    parts: list[str] = []
    while place is not None:
        place, part = place
        parts.append(f"[{part}]" if isinstance(part, int) else f".{part[:_SHOWN_NAME]}")
    return "".join(reversed(parts)).lstrip(".").replace(NUL, "\\u0000") or "The body"


def nul_refused(field: str) -> InvalidRequest:
    """Return the refusal of a field that has the character NUL."""
    return InvalidRequest(
        f"{field}: the text has the character NUL (U+0000), which cannot be stored.",
        hint="Remove the character, then repeat the call.",
    )


def problem_of(body: bytes) -> str:
    """Return why a body of limited depth, which did not parse as strict JSON, is refused."""
    try:
        json.dumps(json.loads(body.decode()), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "The text has a lone surrogate, which cannot be encoded."
    except UnicodeDecodeError:
        return "The body is not JSON in UTF-8."
    except ValueError as error:
        return f"The body is not JSON: {error}."
    return "NaN and Infinity are not allowed in JSON."  # Python's parser accepts both.


def _too_many() -> BodyTooComplex:
    return BodyTooComplex(
        f"The JSON holds more than {MAX_VALUES} values.", hint="Send it in several calls."
    )
