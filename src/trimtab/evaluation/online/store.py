"""SQL of samples and baselines, in the chain ``answers``."""

import json
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from trimtab.infra.storage import Database

_samples = sa.table(
    "watch_samples",
    *map(sa.column, ("trace_id", "user_id", "at", "model_id", "cosine", "vector")),
)
_traces = sa.table("answer_traces", sa.column("id"))
_baselines = sa.table(
    "watch_baselines", *map(sa.column, ("kind", "version", "at", "actor", "body"))
)

_OF_DRILLS = "#drill"
"""Ends the model id of a drill's samples, because vectors of different ids are never compared."""


@dataclass(frozen=True, slots=True)
class QuestionSample:
    """Similarity and vector of one question."""

    trace_id: str
    user_id: str
    at: datetime
    model_id: str
    cosine: float
    """Of the question and its best quote, in [-1, 1]; NaN without a quote."""
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Baseline:
    """Baseline of normal questions; pinned by a person only."""

    version: int
    at: str
    actor: str
    model_id: str
    cosine_p50: float
    vectors: NDArray[np.float32]
    """Shape (n, dimension)."""


@dataclass(frozen=True, slots=True)
class SampleStore:
    """Samples and baselines on disk."""

    database: Database

    def keep(self, sample: QuestionSample, *, drill: bool = False) -> None:
        """Add the sample once, and only while its trace exists.

        Samples of a drill's questions are never compared with those of users.
        """
        row = {
            "trace_id": sample.trace_id,
            "user_id": sample.user_id,
            "at": sample.at.isoformat(),
            "model_id": _kept_under(sample.model_id, drill=drill),
            "cosine": -2.0 if np.isnan(sample.cosine) else sample.cosine,
            "vector": sample.vector.astype(np.float16).tobytes(),
        }
        with self.database.write() as connection:
            known = _holds(connection, _samples.c.trace_id, sample.trace_id)
            if not known and _holds(connection, _traces.c.id, sample.trace_id):
                connection.execute(sa.insert(_samples).values(**row))

    def newest_at(self, *, drill: bool = False) -> str:
        """Return the stamp of the newest sample of users, or of drills; empty without any."""
        drilled = _samples.c.model_id.endswith(_OF_DRILLS)
        query = sa.select(sa.func.max(_samples.c.at)).where(drilled if drill else ~drilled)
        with self.database.read() as connection:
            return str(connection.scalar(query) or "")

    def since(
        self, moment: datetime, model_id: str, limit: int = 500, *, drill: bool = False
    ) -> tuple[list[float], NDArray[np.float32]]:
        """Return the cosines and the vectors of the newest samples of that model."""
        kept_under = _kept_under(model_id, drill=drill)
        query = (
            sa.select(_samples.c.cosine, _samples.c.vector)
            .where(_samples.c.at >= moment.isoformat(), _samples.c.model_id == kept_under)
            .order_by(_samples.c.at.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        vectors = [np.frombuffer(row.vector, np.float16) for row in rows]
        cosines = [row.cosine for row in rows if row.cosine >= -1.0]
        return cosines, (
            np.stack(vectors).astype(np.float32) if vectors else np.empty((0, 0), np.float32)
        )

    def pin(self, kind: str, baseline: Baseline) -> int:
        """Keep a new version of a baseline and return its number; the older ones stay."""
        head = {"model_id": baseline.model_id, "cosine_p50": baseline.cosine_p50}
        body = json.dumps(head | {"shape": baseline.vectors.shape}).encode()
        body += b"\n" + baseline.vectors.astype(np.float16).tobytes()
        last = sa.select(sa.func.max(_baselines.c.version)).where(_baselines.c.kind == kind)
        with self.database.write() as connection:
            version = int(connection.scalar(last) or 0) + 1
            row = {"kind": kind, "version": version, "at": baseline.at, "actor": baseline.actor}
            connection.execute(sa.insert(_baselines).values(**row, body=body))
        return version

    def unpin(self, kind: str, version: int) -> None:
        """Drop a version: the one before counts again."""
        mine = (_baselines.c.kind == kind) & (_baselines.c.version == version)
        with self.database.write() as connection:
            connection.execute(sa.delete(_baselines).where(mine))

    def baseline(self, kind: str) -> Baseline | None:
        """Return the newest version, or None."""
        query = sa.select(_baselines).where(_baselines.c.kind == kind)
        newest = query.order_by(_baselines.c.version.desc()).limit(1)
        with self.database.read() as connection:
            row = connection.execute(newest).mappings().first()
        if row is None:
            return None
        head, _, raw = bytes(row["body"]).partition(b"\n")
        facts = json.loads(head)
        vectors = np.frombuffer(raw, np.float16).reshape(facts["shape"]).astype(np.float32)
        return Baseline(
            row["version"], row["at"], row["actor"], facts["model_id"], facts["cosine_p50"], vectors
        )

    def count_user(self, user_id: str) -> int:
        """Return how many samples are of that user's questions."""
        query = sa.select(sa.func.count()).where(_samples.c.user_id == user_id)
        with self.database.read() as connection:
            return int(connection.scalar(query) or 0)

    def forget_user(self, user_id: str) -> int:
        """Delete them, and return how many there were. Baselines hold no link to anyone."""
        with self.database.write() as connection:
            mine = _samples.c.user_id == user_id
            return connection.execute(sa.delete(_samples).where(mine)).rowcount

    def drop_before(self, moment: datetime) -> None:
        """Delete the samples that are older."""
        with self.database.write() as connection:
            connection.execute(sa.delete(_samples).where(_samples.c.at < moment.isoformat()))


def _kept_under(model_id: str, *, drill: bool) -> str:
    return f"{model_id}{_OF_DRILLS}" if drill else model_id


def _holds(connection: sa.Connection, column: sa.ColumnClause[str], value: str) -> bool:
    return connection.execute(sa.select(column).where(column == value)).first() is not None
