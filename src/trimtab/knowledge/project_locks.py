"""Locks that let one long operation run on a project at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from trimtab.kernel.errors import TrimtabError


class ProjectLocks:
    """One lock for each project; a second holder is refused instead of waiting."""

    def __init__(self) -> None:
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
            yield
        finally:
            with self._lock:
                self._held.discard(key)
