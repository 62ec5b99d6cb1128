"""Locks that let one long operation run on a project at a time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from trimtab.kernel.errors import TrimtabError


class ProjectLocks:
    """One lock for each project; a second holder is refused instead of waiting.

    Args:
        work: What the holders do, such as ``move``.
        try_turn: Provides whether no other process does the work of that name.
    """

    def __init__(self, work: str, try_turn: Callable[[str], AbstractContextManager[bool]]) -> None:
        self._work = work
        self._try_turn = try_turn
        self._lock = threading.Lock()
        self._held: set[int] = set()

    @contextmanager
    def hold(self, key: int, refusal: TrimtabError) -> Iterator[None]:
        """Hold the project's lock, or raise the refusal when it is held already."""
        with self._lock:
            if key in self._held:
                raise refusal
            self._held.add(key)
        try:
            with self._try_turn(f"knowledge.{self._work} {key}") as mine:
                if not mine:
                    raise refusal
                yield
        finally:
            with self._lock:
                self._held.discard(key)
