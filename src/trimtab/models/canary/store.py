"""The only SQL of canaries, in the chain ``models``."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.kernel.errors import Conflict
from trimtab.models.canary.records import CanaryMode, CanaryState, ModelCanary
from trimtab.models.canary.sequential import NO_TRIALS, Trials

_canaries = sa.table("model_canaries", *(sa.column(each.name) for each in fields(ModelCanary)))
_COUNT = sa.text(
    "SELECT asked, COUNT(*) AS n, SUM(CASE WHEN version <> asked THEN 1 ELSE 0 END) AS failed,"
    " SUM(CASE WHEN version = asked AND latency_ms > :slow THEN 1 ELSE 0 END) AS slow,"
    " MAX(id) AS last"
    " FROM analysis_results WHERE id > :after AND timestamp >= :since AND model = :model"
    " AND asked IN (:production, :candidate) GROUP BY asked"
)


class CanaryRunning(Conflict):
    """The model has a canary already."""

    code = "models.canary_running"
    default_hint = "`trimtab models canary stop NAME` ends it."


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """Requests of one version."""

    errors: Trials = NO_TRIALS
    slow: Trials = NO_TRIALS

    def __add__(self, other: "ArmCounts") -> "ArmCounts":
        return ArmCounts(self.errors + other.errors, self.slow + other.slow)


@dataclass(frozen=True, slots=True)
class CanaryStore:
    """Canaries on disk; their counts are read from the stored results."""

    database: Database

    def add(self, canary: ModelCanary) -> None:
        """Insert a canary; raises `CanaryRunning` when the model has one."""
        with self.database.write() as connection:
            running = (_canaries.c.name == canary.name) & (_canaries.c.state == CanaryState.RUNNING)
            if connection.execute(sa.select(_canaries.c.id).where(running)).first() is not None:
                raise CanaryRunning(f"Model {canary.name!r} has a canary that runs.")
            connection.execute(sa.insert(_canaries).values(**_row(canary)))

    def running(self) -> list[ModelCanary]:
        """Return the canaries that run."""
        query = sa.select(_canaries).where(_canaries.c.state == CanaryState.RUNNING)
        with self.database.read() as connection:
            return [_canary(row) for row in connection.execute(query)]

    def newest(self, name: str) -> ModelCanary | None:
        """Return the newest canary of a model, or None."""
        query = sa.select(_canaries).where(_canaries.c.name == name)
        with self.database.read() as connection:
            row = connection.execute(query.order_by(_canaries.c.started_at.desc())).first()
        return None if row is None else _canary(row)

    def end(self, canary_id: str, state: CanaryState, at: datetime, reason: str) -> bool:
        """Record the end of a canary; return False when it had ended before."""
        mine = (_canaries.c.id == canary_id) & (_canaries.c.state == CanaryState.RUNNING)
        values = {"state": state, "ended_at": at.isoformat(), "reason": reason}
        with self.database.write() as connection:
            done = connection.execute(sa.update(_canaries).where(mine).values(**values))
            return done.rowcount > 0

    def counts(self, canary: ModelCanary, after: int) -> tuple[dict[int, ArmCounts], int]:
        """Return the counts of results after an id by version, and the newest id."""
        given = {
            "slow": canary.slow_ms,
            "after": after,
            "since": canary.started_at.isoformat(),
            "model": canary.name,
            "production": canary.production,
            "candidate": canary.candidate,
        }
        found: dict[int, ArmCounts] = {}
        last = after
        with self.database.read() as connection:
            for row in connection.execute(_COUNT, given):
                answered = row.n - row.failed
                found[row.asked] = ArmCounts(Trials(row.n, row.failed), Trials(answered, row.slow))
                last = max(last, row.last)
        return found, last


def _row(canary: ModelCanary) -> dict[str, Any]:
    ended = canary.ended_at
    return {
        **asdict(canary),
        "started_at": canary.started_at.isoformat(),
        "ended_at": None if ended is None else ended.isoformat(),
    }


def _canary(row: Any) -> ModelCanary:
    values = {each.name: getattr(row, each.name) for each in fields(ModelCanary)}
    ended = values["ended_at"]
    return ModelCanary(
        **{
            **values,
            "mode": CanaryMode(values["mode"]),
            "state": CanaryState(values["state"]),
            "promote": bool(values["promote"]),
            "started_at": datetime.fromisoformat(values["started_at"]),
            "ended_at": None if ended is None else datetime.fromisoformat(ended),
        }
    )
