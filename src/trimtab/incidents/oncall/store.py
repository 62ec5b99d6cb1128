"""Store of the overrides of on-call schedules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database

_OVERRIDES = sa.table(
    "oncall_overrides",
    *map(sa.column, ("id", "schedule", "person", "starts_at", "ends_at", "created_by")),
)


@dataclass(frozen=True, slots=True)
class Override:
    """Another person is on call for a time."""

    id: str
    schedule: str
    person: str
    starts_at: datetime
    ends_at: datetime
    created_by: str


class OverrideStore:
    """Overrides in the state database.

    Args:
        database: Holds the ``incidents`` chain.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, override: Override) -> None:
        """Store an override."""
        row = {
            "id": override.id,
            "schedule": override.schedule,
            "person": override.person,
            "starts_at": override.starts_at.isoformat(),
            "ends_at": override.ends_at.isoformat(),
            "created_by": override.created_by,
        }
        with self._database.write() as connection:
            connection.execute(sa.insert(_OVERRIDES).values(**row))

    def remove(self, override_id: str) -> bool:
        """Delete an override; return whether there was one."""
        gone = sa.delete(_OVERRIDES).where(_OVERRIDES.c.id == override_id)
        with self._database.write() as connection:
            return connection.execute(gone).rowcount > 0

    def after(self, at: datetime) -> list[Override]:
        """Return the overrides that end after that instant, the oldest first."""
        query = sa.select(_OVERRIDES).where(_OVERRIDES.c.ends_at > at.isoformat())
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_OVERRIDES.c.id)).mappings()
            return [_override(row) for row in rows]


def _override(row: Mapping[Any, Any]) -> Override:
    return Override(
        row["id"],
        row["schedule"],
        row["person"],
        datetime.fromisoformat(row["starts_at"]),
        datetime.fromisoformat(row["ends_at"]),
        row["created_by"],
    )
