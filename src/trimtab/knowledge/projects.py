"""Creates, lists and deletes projects."""

from dataclasses import replace

from trimtab.knowledge.errors import EmbedderFixed
from trimtab.knowledge.records import STANDARD, ProjectStats
from trimtab.knowledge.validation import validate_project_name
from trimtab.knowledge.wiring import Components


class Projects:
    """All projects of the service. Safe to call from many threads."""

    def __init__(self, parts: Components) -> None:
        self._parts = parts
        self._store = parts.stores.projects

    def list(self) -> tuple[ProjectStats, ...]:
        """Return all projects with their counts, ordered by name."""
        loaded = self._parts.indexes.overview()
        return tuple(
            replace(found, engine=index.index.vectors.engine, meaning=index.fitted_meaning)
            if (index := loaded.get(key)) is not None
            else found
            for key, found in self._store.overview()
        )

    def create(self, project: str, embedder: str = STANDARD) -> bool:
        """Create an empty project unless it exists; return whether it is new.

        Args:
            project: Its name.
            embedder: Which model makes its vectors; see ``embedders``.

        Raises:
            EmbedderUnknown: No embedder has that name.
            EmbedderNotInstalled: Its package is not installed.
            EmbedderFixed: The project exists and has another one.
        """
        name = validate_project_name(project)
        if embedder != STANDARD:
            self._parts.reembedder.load(embedder)
        row = self._store.ensure(name, self._parts.context.clock.now(), embedder)
        if embedder not in {row.embedder, STANDARD}:
            raise EmbedderFixed(f"The project {name} exists, with the embedder {row.embedder}.")
        return row.is_new

    def check_exists(self, project: str) -> None:
        """Raise `ProjectUnknown` when there is no project of that name."""
        self._store.find(project)

    def delete(self, project: str) -> int:
        """Delete a project with all its documents; return their number."""
        parts = self._parts
        row = self._store.find(validate_project_name(project))
        with parts.maintenance.deleting(parts.stores.documents.witnesses(project)):
            count = self._store.delete(project, parts.context.clock.now())
        parts.searcher.forget(row.key)
        parts.indexes.forget(row.key)
        parts.texts.discard(lambda _: True)
        parts.events.publish("knowledge.project_deleted", row.id, {"documents": count})
        return count
