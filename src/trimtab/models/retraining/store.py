"""SQL of retrainings, in the chain ``model_monitoring``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import insert_or_ignore
from trimtab.models.retraining.errors import RetrainingUnknown
from trimtab.models.retraining.records import Retraining, RetrainingState

_table = sa.table(
    "model_retrainings",
    *map(
        sa.column,
        ("id", "model", "state", "reason", "requested_by", "at", "updated_at", "data_sha256"),
    ),
    sa.column("approval_hash"),
    sa.column("facts"),
)


@dataclass(frozen=True, slots=True)
class RetrainingStore:
    """Retrainings on disk."""

    database: Database

    def add(self, each: Retraining) -> None:
        """Add a retraining; a known id changes nothing."""
        row = {
            "id": each.id,
            "model": each.model,
            "state": each.state,
            "reason": each.reason,
            "requested_by": each.requested_by,
            "at": each.at.isoformat(),
            "updated_at": each.updated_at.isoformat(),
            "data_sha256": each.data_sha256,
            "approval_hash": each.approval_hash,
            "facts": json.dumps(dict(each.facts)),
        }
        with self.database.write() as connection:
            connection.execute(insert_or_ignore(connection, _table).values(**row))

    def update(
        self,
        retraining_id: str,
        state: RetrainingState,
        at: datetime,
        facts: Mapping[str, Any],
        approval_hash: str | None = None,
    ) -> None:
        """Set the state, and add facts."""
        known = dict(self.get(retraining_id).facts)
        values = {
            "state": state,
            "updated_at": at.isoformat(),
            "facts": json.dumps(known | dict(facts)),
        }
        if approval_hash is not None:
            values["approval_hash"] = approval_hash
        with self.database.write() as connection:
            mine = _table.c.id == retraining_id
            connection.execute(sa.update(_table).where(mine).values(**values))

    def get(self, retraining_id: str) -> Retraining:
        """Return a retraining, or raise `RetrainingUnknown`."""
        with self.database.read() as connection:
            query = sa.select(_table).where(_table.c.id == retraining_id)
            row = connection.execute(query).mappings().first()
        if row is None:
            raise RetrainingUnknown(f"There is no retraining {retraining_id!r}.")
        return _record(row)

    def recent(self, model: str = "", limit: int = 100) -> list[Retraining]:
        """Return the retrainings of a model, or of all, the newest first."""
        query = sa.select(_table).order_by(_table.c.at.desc(), _table.c.id.desc()).limit(limit)
        if model:
            query = query.where(_table.c.model == model)
        with self.database.read() as connection:
            return [_record(row) for row in connection.execute(query).mappings()]

    def open(self) -> list[Retraining]:
        """Return the retrainings that are not finished."""
        states = [state for state in RetrainingState if state.is_open]
        query = sa.select(_table).where(_table.c.state.in_(states))
        with self.database.read() as connection:
            return [_record(row) for row in connection.execute(query).mappings()]


def _record(row: Mapping[Any, Any]) -> Retraining:
    return Retraining(
        row["id"],
        row["model"],
        RetrainingState(row["state"]),
        row["reason"],
        row["requested_by"],
        datetime.fromisoformat(row["at"]),
        datetime.fromisoformat(row["updated_at"]),
        row["data_sha256"],
        row["approval_hash"],
        json.loads(row["facts"]),
    )
