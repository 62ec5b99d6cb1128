"""`lru_cache` for functions of user text, with one call that clears all of them for an erasure."""

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_T = TypeVar("_T")

_clear_functions: list[Callable[[], None]] = []
_size_functions: list[Callable[[], int]] = []


def erasable_lru_cache(max_size: int) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Cache a function's most recent results until `clear_all`; arguments are hashable."""

    def decorate(function: Callable[_P, _T]) -> Callable[_P, _T]:
        cached = lru_cache(maxsize=max_size)(function)
        _clear_functions.append(cached.cache_clear)
        _size_functions.append(lambda: cached.cache_info().currsize)
        return cast("Callable[_P, _T]", cached)

    return decorate


def cached_count() -> int:
    """Return the number of cached results of all functions."""
    return sum(count() for count in _size_functions)


def clear_all() -> None:
    """Drop every cached result of every function."""
    for clear in _clear_functions:
        clear()
