"""Marks work caused by a drill, so that it is counted separately from user traffic."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

from trimtab.kernel.operable import Sample

LABEL = "drill"
"""Label of series measured during drills; series of users do not have it."""
MARK = "true"
OWN_PROJECT = "drill-"
"""How the names of the projects begin that drills make and delete."""
_T = TypeVar("_T")
_in_drill: ContextVar[bool] = ContextVar("trimtab_in_drill", default=False)


def in_drill() -> bool:
    """Return whether the calling thread works for a drill.

    A new thread does not inherit the mark: run its work in a copy of the context.
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
    """Return whether the labels are those of a drill."""
    return labels.get(LABEL) == MARK


class Apart(Generic[_T]):
    """Two copies of the same metrics: one for users, one for drills.

    Args:
        make: Creates empty metrics.
    """

    def __init__(self, make: Callable[[], _T]) -> None:
        self.users = make()
        self.drills = make()

    @property
    def now(self) -> _T:
        """Return the metrics for the calling thread: drill or users."""
        return self.drills if _in_drill.get() else self.users

    def of(self, *, drill: bool) -> _T:
        """Return the metrics of drills or of users."""
        return self.drills if drill else self.users


def samples_apart(read: Callable[[bool], float]) -> Iterable[Sample]:
    """Return one sample for users and one, labelled, for drills.

    Args:
        read: Returns the value; its argument is true for drills.
    """
    return [Sample(float(read(drill)), {LABEL: MARK} if drill else {}) for drill in (False, True)]
