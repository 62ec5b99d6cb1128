"""Base class of request bodies: refuses lone surrogates, NaN and Infinity."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, model_validator

_HALF = "The text has a lone surrogate, which cannot be encoded."
_NO_NUMBER = "NaN and Infinity are not allowed in JSON."


class Body(BaseModel):
    """The base of every request body."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        if problem := problem_of(given):
            raise ValueError(problem)
        return given


def problem_of(given: object) -> str:
    """Return the problem of a parsed JSON value for other programs; empty if there is none.

    Python's parser accepts lone surrogates, which cannot be encoded, and NaN, which JSON lacks.
    """
    if isinstance(given, str):
        return "" if given.isascii() or _is_whole(given) else _HALF
    if isinstance(given, float):
        return "" if math.isfinite(given) else _NO_NUMBER
    if isinstance(given, Mapping):
        given = (*given, *given.values())
    if isinstance(given, Sequence) and not isinstance(given, bytes):
        return next((problem for item in given if (problem := problem_of(item))), "")
    return ""


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
