"""The only SQL of stored predictions, in the chain ``models``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import insert_tuples

_COLUMNS = (
    "timestamp",
    "request_id",
    "model",
    "version",
    "digest",
    "asked",
    "alias",
    "outcome",
    "served_by",
    "user_id",
    "rows",
    "latency_ms",
    "inputs",
    "outputs",
)
_results = sa.table("analysis_results", *map(sa.column, ("id", *_COLUMNS)))
_MAX_LISTED = 1000


class ResultRow(NamedTuple):
    """One request as it is stored."""

    timestamp: str
    request_id: str
    model: str
    version: int
    digest: str
    asked: int
    """The version that was asked first; 0 for none."""
    alias: str
    outcome: str
    served_by: str
    user_id: str
    rows: int
    latency_ms: float
    inputs: str
    outputs: str


@dataclass(frozen=True, slots=True)
class ServedBytes:
    """Which bytes answered a request: the version and the hash of each of its files."""

    request_id: str
    timestamp: str
    model: str
    version: int
    sha256: str
    """Of the signed manifest."""
    files: dict[str, str]
    alias: str
    outcome: str
    served_by: str
    latency_ms: float
    inputs: Any
    outputs: Any


@dataclass(frozen=True, slots=True)
class ResultStore:
    """Predictions stored on disk."""

    database: Database

    def add(self, rows: Sequence[ResultRow]) -> None:
        """Insert the results of a batch, durable on return."""
        with self.database.write() as connection:
            insert_tuples(connection, "analysis_results", _COLUMNS, rows)

    def served_bytes(self, request_id: str) -> list[ServedBytes]:
        """Return which bytes answered a request, newest first; one query."""
        query = sa.text(
            "SELECT r.*, v.manifest FROM analysis_results r LEFT JOIN model_versions v"
            " ON v.name = r.model AND v.version = r.version"
            " WHERE r.request_id = :request_id ORDER BY r.id DESC LIMIT 100"
        )
        with self.database.read() as connection:
            return [
                _served_bytes(row) for row in connection.execute(query, {"request_id": request_id})
            ]

    def recent(
        self, model: str = "", since: datetime | None = None, limit: int = 100
    ) -> list[ResultRow]:
        """Return the newest results, newest first, of one model or of all."""
        query = sa.select(*(_results.c[name] for name in _COLUMNS))
        if since is not None:
            query = query.where(_results.c.timestamp >= since.isoformat())
        if model:
            query = query.where(_results.c.model == model)
        newest = query.order_by(_results.c.timestamp.desc()).limit(min(limit, _MAX_LISTED))
        with self.database.read() as connection:
            return [ResultRow(*row) for row in connection.execute(newest)]

    def drop_before(self, at: datetime) -> int:
        """Delete the results from before that time; return their number."""
        old = sa.delete(_results).where(_results.c.timestamp < at.isoformat())
        with self.database.write() as connection:
            return connection.execute(old).rowcount

    def count_user(self, user_id: str) -> int:
        """Return the number of results of one person."""
        query = sa.select(sa.func.count()).where(_results.c.user_id == user_id)
        with self.database.read() as connection:
            return int(connection.scalar(query) or 0)

    def forget_user(self, user_id: str) -> int:
        """Delete the results of one person; return their number."""
        with self.database.write() as connection:
            mine = sa.delete(_results).where(_results.c.user_id == user_id)
            return connection.execute(mine).rowcount


def _served_bytes(row: Any) -> ServedBytes:
    manifest = orjson.loads(row.manifest) if row.manifest else {}
    return ServedBytes(
        request_id=row.request_id,
        timestamp=row.timestamp,
        model=row.model,
        version=row.version,
        sha256=row.digest,
        files=manifest.get("files", {}),
        alias=row.alias,
        outcome=row.outcome,
        served_by=row.served_by,
        latency_ms=row.latency_ms,
        inputs=orjson.loads(row.inputs) if row.inputs else None,
        outputs=orjson.loads(row.outputs) if row.outputs else None,
    )
