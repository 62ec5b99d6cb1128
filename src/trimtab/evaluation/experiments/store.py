"""The only SQL of shadow mode, in the chain ``answers``."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from trimtab.evaluation.experiments.pairs import Pair, PairOutcome
from trimtab.infra.storage import Database

_traces = sa.table("answer_traces", sa.column("id"))
_pairs = sa.table(
    "shadow_pairs", *map(sa.column, ("trace_id", "candidate", "user_id", "at", "body"))
)


@dataclass(frozen=True, slots=True)
class PairStore:
    """Pairs on disk, without any text."""

    database: Database

    def keep(self, candidate: str, pair: Pair, user_id: str, at: datetime) -> None:
        """Add the pair, or replace the one of the same question and candidate.

        Nothing is added when the question's trace is gone: its user may have been erased meanwhile.
        """
        same = (_pairs.c.trace_id == pair.trace_id) & (_pairs.c.candidate == candidate)
        row = {
            "trace_id": pair.trace_id,
            "candidate": candidate,
            "user_id": user_id,
            "at": at.isoformat(),
            "body": json.dumps(asdict(pair)),
        }
        with self.database.write() as connection:
            connection.execute(sa.delete(_pairs).where(same))
            trace = sa.select(_traces.c.id).where(_traces.c.id == pair.trace_id)
            if connection.execute(trace).first() is not None:
                connection.execute(sa.insert(_pairs).values(**row))

    def of(self, candidate: str, limit: int = 1_000) -> list[Pair]:
        """Return the newest pairs of the candidate, newest first."""
        query = sa.select(_pairs.c.body).where(_pairs.c.candidate == candidate)
        with self.database.read() as connection:
            bodies = connection.scalars(query.order_by(_pairs.c.at.desc()).limit(limit))
            return [_decoded(body) for body in bodies]

    def count_user(self, user_id: str) -> int:
        """Return how many pairs come from that user's questions."""
        query = sa.select(sa.func.count()).where(_pairs.c.user_id == user_id)
        with self.database.read() as connection:
            return int(connection.scalar(query) or 0)

    def forget_user(self, user_id: str) -> int:
        """Delete them and return how many there were."""
        with self.database.write() as connection:
            mine = _pairs.c.user_id == user_id
            return connection.execute(sa.delete(_pairs).where(mine)).rowcount


def _decoded(body: str) -> Pair:
    row = json.loads(body)
    now, tried = PairOutcome(**row.pop("now")), PairOutcome(**row.pop("tried"))
    return Pair(now=now, tried=tried, **row)
