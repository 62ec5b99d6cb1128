"""Passages of documents that came in lately, and what they can be compared with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.knowledge.store.tables import chunks, documents


@dataclass(frozen=True, slots=True)
class PassageAge:
    """Time at which the document of a passage came in or changed."""

    key: int
    document_key: int
    at: datetime


class RecentPassageStore:
    """Reads the ages of passages; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, project_key: int, since: datetime, limit: int) -> list[PassageAge]:
        """Return the passages of documents that came in since then, the newest first."""
        statement = (
            _ages(project_key)
            .where(documents.c.updated_at >= since.isoformat())
            .order_by(documents.c.updated_at.desc(), chunks.c.key)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_age(row) for row in connection.execute(statement)]

    def of(self, project_key: int, keys: list[int]) -> dict[int, PassageAge]:
        """Return the ages of these passages, by key, as far as they exist."""
        found: dict[int, PassageAge] = {}
        with self._database.read() as connection:
            for start in range(0, len(keys), 500):
                statement = _ages(project_key).where(chunks.c.key.in_(keys[start : start + 500]))
                ages = [_age(row) for row in connection.execute(statement)]
                found |= {age.key: age for age in ages}
        return found


def _ages(project_key: int) -> sa.Select[Any]:
    return (
        sa.select(chunks.c.key, chunks.c.document_key, documents.c.updated_at)
        .join_from(chunks, documents, documents.c.key == chunks.c.document_key)
        .where(chunks.c.project_key == project_key)
    )


def _age(row: sa.Row[Any]) -> PassageAge:
    return PassageAge(row.key, row.document_key, datetime.fromisoformat(row.updated_at))
