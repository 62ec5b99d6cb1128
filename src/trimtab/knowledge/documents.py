"""Reads, labels and deletes the documents of projects."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from trimtab.knowledge.errors import ProjectUnknown
from trimtab.knowledge.records import (
    Chunk,
    Document,
    DocumentPage,
    DocumentPassage,
    DocumentState,
    Labels,
)
from trimtab.knowledge.validation import validate_project_name
from trimtab.knowledge.wiring import Components


class Documents:
    """The documents of all projects. Safe to call from many threads."""

    def __init__(self, parts: Components) -> None:
        self._parts = parts
        self._store = parts.stores.documents
        self._reader = parts.stores.reader

    def list(
        self,
        project: str,
        limit: int = 1000,
        offset: int = 0,
        labels: Labels = None,
        since: datetime | None = None,
    ) -> tuple[Document, ...]:
        """Return the project's documents by name; with ``since`` those that changed since then."""
        return self._store.page(validate_project_name(project), limit, offset, labels, since)

    def get(self, project: str, id_or_name: str, labels: Labels = None) -> Document:
        """Return one document, or raise `DocumentUnknown`."""
        return self._store.get(validate_project_name(project), id_or_name, labels)

    def named_like(
        self, project: str, text: str, limit: int, offset: int = 0, labels: Labels = None
    ) -> DocumentPage:
        """Return a page of the documents with the text in name or title, ordered by name."""
        name = validate_project_name(project)
        return DocumentPage(*self._reader.named_like(name, text, limit, offset, labels))

    def passages(self, document: Document, limit: int = 1000, offset: int = 0) -> tuple[Chunk, ...]:
        """Return a page of the document's passages, in their order."""
        return self._reader.passages(document.id, limit, offset)

    def labels_of(self, document: Document) -> tuple[str, ...]:
        """Return the document's access labels, sorted; without any, every caller sees it."""
        return self._reader.labels(document.id)

    def passages_by_id(
        self, chunk_ids: Collection[str], labels: Labels = None
    ) -> dict[str, DocumentPassage]:
        """Return the passages that exist and are visible with these labels, by id."""
        return self._reader.passages_by_id(chunk_ids, labels)

    def text(self, project: str, id_or_name: str) -> str:
        """Return the extracted text, to which the offsets of passages refer."""
        document = self.get(project, id_or_name)
        # Versions of a document that another process deleted and made again begin at 1 again.
        key = (document.id, f"{document.version} {document.updated_at.isoformat()}")
        text = self._parts.texts.get(key)
        if text is None:
            text = self._store.text(document.id)
            self._parts.texts.put(key, text, 2 * len(text))
        return text

    def delete(self, project: str, id_or_name: str) -> str:
        """Delete a document; return its id. From now on no search finds it."""
        parts = self._parts
        row = parts.stores.projects.find(validate_project_name(project))
        with parts.maintenance.deleting(self._store.witnesses(project, id_or_name)):
            document_id = self._store.delete(project, id_or_name, parts.context.clock.now())
        parts.searcher.forget(row.key)
        parts.indexes.deleted_from(row)
        parts.texts.discard(lambda key: key[0] == document_id)
        parts.events.publish("knowledge.document_deleted", document_id, {"project": project})
        return document_id

    def set_metadata(
        self,
        project: str,
        id_or_name: str,
        tags: Sequence[str] | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Replace a document's tags or access labels; None keeps them, as does a new ingestion."""
        given = {"tag": tags, "label": labels}
        changes = {name: values for name, values in given.items() if values is not None}
        row = self._parts.stores.projects.find(validate_project_name(project))
        self._store.set_metadata(project, id_or_name, changes)
        self._parts.searcher.forget(row.key)

    def review(self, project: str, id_or_name: str, labels: Labels = None) -> Document:
        """Mark the document's present version as reviewed; return it."""
        document = self.get(project, id_or_name, labels)
        self._parts.stores.reviews.mark(document.id, document.version)
        return replace(document, reviewed=True)

    def counts(self) -> dict[str, int]:
        """Return the number of ready, queued and dead documents."""
        return self._store.counts()

    def queued(self, limit: int = 1000) -> tuple[Document, ...]:
        """Return the documents that wait for the model, oldest first."""
        return self._store.listed(DocumentState.QUEUED, limit)

    def dead_letters(self, limit: int = 1000) -> tuple[Document, ...]:
        """Return the documents that could not be embedded after several attempts."""
        return self._store.listed(DocumentState.DEAD, limit)

    def labels_in_use(self, project: str, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the caller's labels that documents of the project have; answers depend on them."""
        try:
            used = self._parts.stores.search.project(project).labels
        except ProjectUnknown:
            return ()
        return tuple(sorted(used & set(labels)))

    def hidden_from(self, labels: Sequence[str], document_ids: Collection[str]) -> set[str]:
        """Return the documents that a caller with these labels may not see."""
        return self._parts.stores.labels.hidden(document_ids, labels) if document_ids else set()
