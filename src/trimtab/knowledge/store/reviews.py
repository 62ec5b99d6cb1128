"""Which version of a document a person has reviewed: rows of `metadata` named ``reviewed``."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.knowledge.store.labels import replace_metadata
from trimtab.knowledge.store.tables import documents, metadata, projects

_REVIEWED = "reviewed"
REVIEWED: sa.ColumnElement[bool] = (
    sa.exists()
    .where(
        metadata.c.document_key == documents.c.key,
        metadata.c.name == _REVIEWED,
        metadata.c.value == sa.cast(documents.c.version, sa.String),
    )
    .label("reviewed")
)
"""Whether the present version of each selected document was reviewed."""


@dataclass(frozen=True, slots=True)
class RecentDocuments:
    """Number of documents of a project that came in or changed lately."""

    project: str
    reviewed: bool
    count: int


class DocumentReviewStore:
    """Marks documents as reviewed, and counts those that came in lately."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, document_id: str, version: int) -> None:
        """Mark this version as reviewed; a later one is not. A document that is gone stays so."""
        with self._database.write() as connection:
            named = sa.select(documents.c.key).where(documents.c.id == document_id)
            key = connection.scalar(named)
            if key is not None:
                replace_metadata(connection, key, {_REVIEWED: [str(version)]})

    def recent(self, since: datetime) -> list[RecentDocuments]:
        """Return the number of documents that came in or changed since then, by project."""
        statement = (
            sa.select(projects.c.name, REVIEWED, sa.func.count())
            .join_from(documents, projects, projects.c.key == documents.c.project_key)
            .where(documents.c.updated_at >= since.isoformat())
            .group_by(projects.c.name, sa.literal_column("reviewed"))
        )
        with self._database.read() as connection:
            return [
                RecentDocuments(str(name), bool(reviewed), int(count))
                for name, reviewed, count in connection.execute(statement)
            ]
