"""Who may see which document: labelled ones are for callers who share a label."""

from collections.abc import Collection, Sequence

from trimtab.knowledge.errors import DocumentHidden, ProjectUnknown
from trimtab.knowledge.store import DocumentStore, ProjectStore
from trimtab.knowledge.store.labels import LabelStore

Labels = tuple[str, ...] | None
"""A caller's access labels, sorted; None is for work of trimtab's own, which sees every document."""


class AccessLabels:
    """Answers questions about labels for the callers of knowledge."""

    def __init__(
        self, projects: ProjectStore, labels: LabelStore, documents: DocumentStore
    ) -> None:
        self._projects = projects
        self._labels = labels
        self._documents = documents

    def add(self, project: str, document_id: str, labels: Sequence[str]) -> None:
        """Add labels to those of a document; what was cached before is not answered any more."""
        self._documents.add_labels(project, document_id, labels)

    def used(self, project: str, labels: Sequence[str]) -> tuple[str, ...]:
        """Return those of the caller's labels that documents of the project have: what its answers depend on."""
        try:
            row = self._projects.find(project)
        except ProjectUnknown:
            return ()
        return tuple(sorted(self._labels.in_use(row) & set(labels)))

    def hidden(self, document_ids: Collection[str], labels: Sequence[str]) -> set[str]:
        """Return those of the documents that are hidden from a caller with these labels."""
        return self._labels.hidden(document_ids, labels) if document_ids else set()

    def check_replaceable(self, project: str, name: str, labels: Sequence[str]) -> None:
        """Raise `DocumentHidden` when a document of that name is there and the caller may not see it."""
        try:
            row = self._projects.find(project)
        except ProjectUnknown:
            return
        if self._labels.in_use(row) and self._labels.hides_name(row.key, name, labels):
            raise DocumentHidden(f"The name {name!r} is taken in project {project!r}.")
