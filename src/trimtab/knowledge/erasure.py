"""Counts and erases what knowledge holds of a person."""

from trimtab.knowledge.errors import DocumentUnknown, ProjectUnknown
from trimtab.knowledge.service import Knowledge
from trimtab.knowledge.store import OwnedDocument


class PersonalDocuments:
    """Counts and deletes; every call may be repeated after a crash.

    A document whose content several people brought in stays until the last of them is erased.

    Args:
        knowledge: Where the documents are.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    def waiting(self, owner: str) -> int:
        """Count the person's documents without vectors, dead letters included."""
        return len(self._knowledge.owners.of(owner, waiting=True))

    def delete_waiting(self, owner: str) -> int:
        """Delete those, so that nothing is made of them any more; return how many."""
        return self._delete(owner, self._knowledge.owners.of(owner, waiting=True))

    def documents(self, owner: str) -> int:
        """Return how many documents the person has or had."""
        owners = self._knowledge.owners
        return len(owners.of(owner)) + len(owners.former(owner))

    def quotable(self, owner: str) -> set[str]:
        """Return ids of documents whose quotes must be erased: present and former ones.

        All deleted documents are among them, because their owners are unknown.
        """
        owners = self._knowledge.owners
        own = {found.document_id for found in owners.of(owner) if not found.shared}
        return own | set(owners.former(owner)) | owners.deleted()

    def delete_documents(self, owner: str) -> int:
        """Delete them with passages, vectors and index entries; return how many."""
        owners = self._knowledge.owners
        return self._delete(owner, owners.of(owner)) + owners.forget_former(owner)

    def passages(self, owner: str) -> int:
        """Count the passages of the person's documents, each with its vector and index entry."""
        return self._knowledge.owners.passages(owner)

    def index_remains(self, _owner: str) -> int:
        """Count entries of deleted passages in the indexes, of any person."""
        return sum(self._knowledge.indexes.dead_keys().values())

    def purge(self, _owner: str) -> bool:
        """Drop indexes with deleted passages, and purge the full-text index."""
        return self._knowledge.maintenance.purge()

    def cached(self, owner: str) -> int:
        """Return of how many of the person's documents a cache holds something."""
        knowledge = self._knowledge
        held = knowledge.searcher.held_documents() | {
            key[0] for key in knowledge.parts.texts.held_keys()
        }
        return len(held & {found.document_id for found in knowledge.owners.of(owner)})

    def empty_caches(self, _owner: str) -> int:
        """Empty every cache and forget the frequent queries, which carry no user id."""
        return self._knowledge.caches.empty() + self._knowledge.caches.forget_queries()

    def copies(self, owner: str) -> int:
        """Return how many copies of the database hold, or may hold, something of the person."""
        return self._knowledge.maintenance.copies.holding(owner)

    def purge_copies(self, owner: str) -> int:
        """Rewrite backups without the person, remove set-aside files and snapshots; count files.

        First the person is recorded as a hash, for backups kept elsewhere and restored later.
        """
        maintenance = self._knowledge.maintenance
        maintenance.erased.note(owner, maintenance.now())
        return maintenance.copies.erase(owner)

    def _delete(self, owner: str, owned: list[OwnedDocument]) -> int:
        for found in owned:
            if found.shared:
                self._knowledge.owners.leave(found.document_id, owner)
                continue
            try:
                self._knowledge.documents.delete(found.project, found.document_id)
            except (DocumentUnknown, ProjectUnknown):
                continue  # Somebody else has just deleted it.
        return len(owned)
