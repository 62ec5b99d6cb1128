"""What every request body has to be, whatever the route: text that can be written down, and numbers that are numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, model_validator

_HALF = "The text holds half of a character (a lone surrogate)."
_NO_NUMBER = "NaN and Infinity are no numbers in JSON."


class Body(BaseModel):
    """The base of every request body."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        if problem := problem_of(given):
            raise ValueError(problem)
        return given


def problem_of(given: object) -> str:
    """Return what in parsed JSON no other program could read; empty when nothing is.

    Python's parser lets through lone surrogates, which no encoding can write, and NaN, which no answer may hold.
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
