"""Results that functions of somebody's words keep in memory, so that an erasure can have all of them forgotten."""

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_T = TypeVar("_T")

_forgetting: list[Callable[[], None]] = []
_held: list[Callable[[], int]] = []


def remembered(most: int) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Keep a function's last results, so many, until `forget`; its arguments are hashable."""

    def keep(function: Callable[_P, _T]) -> Callable[_P, _T]:
        kept = lru_cache(maxsize=most)(function)
        _forgetting.append(kept.cache_clear)
        _held.append(lambda: kept.cache_info().currsize)
        return cast("Callable[_P, _T]", kept)

    return keep


def held() -> int:
    """Return how many results are kept."""
    return sum(count() for count in _held)


def forget() -> None:
    """Drop every result; they are made again when they are asked for."""
    for clear in _forgetting:
        clear()
