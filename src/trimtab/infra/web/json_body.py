"""Parses JSON bodies with limits on depth and number of values."""

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from trimtab.kernel.errors import InvalidInput

MAX_DEPTH = 64
"""Maximum nesting of lists and objects. Every route's schema needs fewer than ten; Python's parser
and later code recurse, and fail with an error of their own at a few hundred.
"""
MAX_VALUES = 20_000
"""Maximum number of values in a body. The route's schema validates each on the event loop, about 20
ms in total.
"""
_AT_ONCE = 64 * 1024
"""Size in bytes up to which parsing is faster than a thread switch."""
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


class BodyTooComplex(InvalidInput):
    """A JSON body is nested too deep or holds too many values."""

    code = "api.body_too_complex"


class JsonRequest(Request):
    """A request whose JSON is checked before parsing and parsed once."""

    _parsed: tuple[Any, ValueError | None] | None = None

    async def json(self) -> Any:
        """Return the parsed JSON of the body.

        Raises:
            BodyTooComplex: The JSON is nested too deep or holds too many values.
            ValueError: The body is not JSON in UTF-8.
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
        """Parse the body if its content type is JSON; the route rejects invalid JSON."""
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
    """Raise `BodyTooComplex` for JSON with too deep nesting or too many values.

    Linear time. Strings are removed first: a long text may contain any number of brackets and
    commas.
    """
    if len(body) <= MAX_VALUES and body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
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


def _too_many() -> BodyTooComplex:
    return BodyTooComplex(
        f"The JSON holds more than {MAX_VALUES} values.", hint="Send it in several calls."
    )
