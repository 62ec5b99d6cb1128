"""Which project's documents a project's questions are answered from."""

import threading
from collections.abc import Mapping

from trimtab.answers.pipeline import Retriever
from trimtab.answers.question import checked
from trimtab.answers.records import Question, Retrieved

NOWHERE = "nowhere"
"""The target that takes a project out of service: its questions find nothing."""


class Routing:
    """A retriever that can send a project's questions to another project, until it is told otherwise or restarted."""

    def __init__(self, inner: Retriever) -> None:
        self._inner = inner
        self._routes: dict[str, str] = {}
        self._lock = threading.Lock()

    def search(
        self, project: str, query: str, top_k: int, *, labels: tuple[str, ...] = ()
    ) -> Retrieved:
        """Search where the project's route leads."""
        target = self._routes.get(project, project)
        if target == NOWHERE and project != NOWHERE:
            return Retrieved(())
        return self._inner.search(target, query, top_k, labels=labels)

    @property
    def routes(self) -> Mapping[str, str]:
        """The routes that are set."""
        with self._lock:
            return dict(self._routes)

    def set(self, project: str, target: str) -> None:
        """Send the project's questions there; ``nowhere`` answers none, the project itself ends the route.

        Raises:
            BadProjectName: A name is not one.
        """
        for name in (project, target):
            checked(Question(name, "name"))
        with self._lock:
            if project == target:
                self._routes.pop(project, None)
            else:
                self._routes[project] = target

    def reset(self) -> Mapping[str, str]:
        """End all routes and return them."""
        with self._lock:
            before = dict(self._routes)
            self._routes.clear()
        return before
