"""Retrieval stage: routes projects, keeps the deadline, falls back to keywords."""

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from functools import partial
from typing import Protocol

from trimtab.answers.deadlines import Deadlines, late
from trimtab.answers.records import Question, Retrieved
from trimtab.kernel.errors import Unavailable

_log = logging.getLogger(__name__)
NOWHERE = "nowhere"
"""The target that takes a project out of service: its questions find nothing."""


class Retriever(Protocol):
    """Finds passages for a question."""

    def search(
        self, project: str, query: str, top_k: int, *, labels: tuple[str, ...] = ()
    ) -> Retrieved:
        """Return at most ``top_k`` passages of the project that these labels permit, best first."""
        ...


class RetrievalStage:
    """Searches within a deadline.

    Args:
        retriever: Searches.
        deadlines: Runs the searches.
        seconds: The deadline.
        fallback: Searches by keywords alone when the retriever is late or down; None raises the
            error.
    """

    def __init__(
        self,
        retriever: Retriever,
        deadlines: Deadlines,
        seconds: float,
        fallback: Retriever | None = None,
    ) -> None:
        self._retriever = retriever
        self._deadlines = deadlines
        self._seconds = seconds
        self._fallback = fallback
        self._routes: dict[str, str] = {}
        self._lock = threading.Lock()

    def search(
        self, project: str, query: str, top_k: int, *, labels: tuple[str, ...] = ()
    ) -> Retrieved:
        """Return the passages of the project or of its route's target; the fallback's are degraded.

        Raises:
            Unavailable: The retriever is late or down, and so is its fallback, or there is none.
        """
        target = self._routes.get(project, project)
        if target == NOWHERE and project != NOWHERE:
            return Retrieved(())
        search = partial(self._retriever.search, target, query, top_k, labels=labels)
        try:
            # Not `Deadlines.run`: one frame less in every question's stack.
            future = self._deadlines.submit("retrieve", search)
            try:
                return future.result(self._seconds)
            except FutureTimeout:
                if future.done():
                    raise
                raise late("retrieve", self._seconds) from None
        except Unavailable as error:
            if self._fallback is None:
                raise
            _log.warning("retrieval fell back to keywords", extra={"reason": error.message})
        search = partial(self._fallback.search, target, query, top_k, labels=labels)
        found = self._deadlines.run("retrieve", self._seconds, search)
        return replace(found, degraded_mode=True)

    @property
    def routes(self) -> Mapping[str, str]:
        """The routes that are set."""
        with self._lock:
            return dict(self._routes)

    def set_route(self, project: str, target: str) -> None:
        """Answer the project's questions from the target.

        ``nowhere`` finds nothing; the project itself ends the route.

        Raises:
            BadProjectName: A name is not valid.
        """
        for name in (project, target):
            Question(name, "name").validate()
        with self._lock:
            if project == target:
                self._routes.pop(project, None)
            else:
                self._routes[project] = target

    def reset_routes(self) -> Mapping[str, str]:
        """End all routes and return them."""
        with self._lock:
            before = dict(self._routes)
            self._routes.clear()
        return before
