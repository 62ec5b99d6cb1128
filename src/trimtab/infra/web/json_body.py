"""JSON bodies within bounds: nested only so deep, with only so many values, and large ones parsed in a thread."""

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from trimtab.kernel.errors import InvalidInput

DEEPEST = 64
"""Levels of lists and objects in each other. Every route's form needs fewer than ten; Python's parser and whatever walks
the values afterwards recurse, and give up with an error of their own at a few hundred."""
MOST_VALUES = 20_000
"""Values in a body. Each becomes an object, and the route's form looks at each on the event loop: about 20 ms for these."""
_AT_ONCE = 64 * 1024
"""Bytes up to which parsing takes less time than a change of threads."""
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


class BodyTooComplex(InvalidInput):
    """A JSON body is nested too deep or holds too many values."""

    code = "api.body_too_complex"


class JsonRequest(Request):
    """A request whose JSON is checked before it is parsed, and parsed once."""

    _parsed: tuple[Any, ValueError | None] | None = None

    async def json(self) -> Any:
        """Return the body's JSON.

        Raises:
            BodyTooComplex: It is nested too deep or holds too many values.
            ValueError: It is not JSON in UTF-8.
        """
        if self._parsed is None:
            body = await self.body()
            large = len(body) > _AT_ONCE
            self._parsed = await run_in_threadpool(_parsed, body) if large else _parsed(body)
        value, problem = self._parsed
        if problem is not None:
            raise problem
        return value

    async def read_json(self) -> None:
        """Read and parse the body if it says that it is JSON; what is no JSON is left to the route to refuse."""
        if not _is_json(self.headers.get("content-type", "")):
            return
        try:
            await self.json()
        except BodyTooComplex:
            raise
        except ValueError:
            return


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media.startswith("application/") and media.endswith(("/json", "+json"))


def _parsed(body: bytes) -> tuple[Any, ValueError | None]:
    check_shape(body)
    try:
        # Only UTF-8: `check_shape` would misread the bytes of any other encoding.
        return json.loads(body.decode("utf-8-sig")), None
    except ValueError as problem:
        return None, problem


def check_shape(body: bytes) -> None:
    """Raise `BodyTooComplex` when the JSON is nested too deep or holds too many values; takes linear time.

    Strings are cut out first: a long text may hold as many brackets and commas as it likes.
    """
    if len(body) <= MOST_VALUES and body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') > 4 * MOST_VALUES:  # A value and its name have two each.
        raise _too_many()
    bare = b"".join(plain.split(b'"')[::2])
    if bare.count(b",") + bare.count(b"[") + bare.count(b"{") > MOST_VALUES:
        raise _too_many()
    brackets = bare.translate(None, _NO_BRACKETS)
    if len(brackets) > 2 * MOST_VALUES:
        raise _too_many()
    depth = 0
    for byte in brackets:
        if byte in b"[{":
            depth += 1
            if depth > DEEPEST:
                raise BodyTooComplex(
                    f"The JSON is nested deeper than {DEEPEST} levels.", hint="Send it flatter."
                )
        else:
            depth -= 1


def _too_many() -> BodyTooComplex:
    return BodyTooComplex(
        f"The JSON holds more than {MOST_VALUES} values.", hint="Send it in several calls."
    )
