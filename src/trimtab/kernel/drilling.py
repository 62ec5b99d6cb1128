"""Marks the work that a drill causes, so that it is counted apart from that of users."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

from trimtab.kernel.operable import Sample

LABEL = "drill"
"""The label of series that speak of drills; those of users do not have it."""
MARK = "true"
OWN_PROJECT = "drill-"
"""How the names of the projects begin that drills make and delete."""
_T = TypeVar("_T")
_in_drill: ContextVar[bool] = ContextVar("trimtab_in_drill", default=False)


def in_drill() -> bool:
    """Return whether the calling thread works for a drill.

    A new thread does not inherit the mark: whoever hands work to one runs it in a copy of the context.
    """
    return _in_drill.get()


@contextmanager
def drill_traffic(*, marked: bool = True) -> Iterator[None]:
    """Mark everything that is done inside as caused by a drill.

    Args:
        marked: False leaves the mark as it is.
    """
    token = _in_drill.set(marked or _in_drill.get())
    try:
        yield
    finally:
        _in_drill.reset(token)


def is_marked(labels: Mapping[str, str]) -> bool:
    """Return whether a series or alert of those labels speaks of a drill."""
    return labels.get(LABEL) == MARK


class Apart(Generic[_T]):
    """The same figures twice: those of users, and those of drills.

    Args:
        make: Makes empty figures.
    """

    def __init__(self, make: Callable[[], _T]) -> None:
        self.users = make()
        self.drills = make()

    @property
    def now(self) -> _T:
        """Return the figures that the calling thread's work belongs to."""
        return self.drills if in_drill() else self.users

    def of(self, *, drill: bool) -> _T:
        """Return those of drills, or those of users."""
        return self.drills if drill else self.users


def samples_apart(read: Callable[[bool], float]) -> Iterable[Sample]:
    """Return the sample of users, and that of drills with its label.

    Args:
        read: Returns the value; told whether that of drills is wanted.
    """
    return [Sample(float(read(drill)), {LABEL: MARK} if drill else {}) for drill in (False, True)]
