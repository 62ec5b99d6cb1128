"""The only SQL of erasures, in the chain ``answers``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import greatest
from trimtab.privacy.erasure.records import Erasure, ErasureState, StepState, StepStatus
from trimtab.privacy.errors import ErasureUnknown

_erasures = sa.table(
    "erasures",
    *map(
        sa.column,
        (
            "id",
            "user_id",
            "nonce",
            "subject",
            "requested_by",
            "requested_at",
            "state",
            "runs",
            "finished_at",
            "certificate",
        ),
    ),
)
_steps = sa.table(
    "erasure_steps",
    *map(
        sa.column,
        ("erasure_id", "name", "position", "state", "found", "remaining", "error"),
    ),
)


@dataclass(frozen=True, slots=True)
class ErasureStore:
    """Erasures on disk."""

    database: Database

    def open(self, erasure: Erasure, user_id: str) -> Erasure:
        """Add the erasure, or return the unfinished one of that user."""
        with self.database.write() as connection:
            known = connection.scalar(
                sa.select(_erasures.c.id).where(
                    _erasures.c.user_id == user_id, _erasures.c.state != ErasureState.DONE
                )
            )
            if known is None:
                connection.execute(sa.insert(_erasures).values(**_row(erasure, user_id)))
                rows = [
                    _step_row(erasure.id, position, step)
                    for position, step in enumerate(erasure.steps)
                ]
                connection.execute(sa.insert(_steps), rows)
        return erasure if known is None else self.find(known)

    def find(self, erasure_id: str) -> Erasure:
        """Return the erasure, or raise `ErasureUnknown`."""
        mine = _erasures.c.id == erasure_id
        steps = (
            sa.select(_steps).where(_steps.c.erasure_id == erasure_id).order_by(_steps.c.position)
        )
        with self.database.read() as connection:
            row = connection.execute(sa.select(_erasures).where(mine)).mappings().first()
            found = connection.execute(steps).mappings().all()
        if row is None:
            raise ErasureUnknown(f"There is no erasure {erasure_id!r}.")
        return _erasure(row, found)

    def user_of(self, erasure_id: str) -> str:
        """Return whose data it erases; empty once it is done."""
        query = sa.select(_erasures.c.user_id).where(_erasures.c.id == erasure_id)
        with self.database.read() as connection:
            return str(connection.scalar(query) or "")

    def in_state(self, state: ErasureState) -> list[str]:
        """Return the ids of the erasures in that state, oldest first."""
        query = sa.select(_erasures.c.id).where(_erasures.c.state == state).order_by(_erasures.c.id)
        with self.database.read() as connection:
            return list(connection.scalars(query))

    def next_run(self, erasure_id: str) -> int:
        """Count and return one more run of the erasure, and make it running again."""
        with self.database.write() as connection:
            mine = _erasures.c.id == erasure_id
            runs = int(connection.scalar(sa.select(_erasures.c.runs).where(mine)) or 0) + 1
            connection.execute(
                sa.update(_erasures).where(mine).values(runs=runs, state=ErasureState.RUNNING)
            )
        return runs

    def runs(self, erasure_id: str) -> int:
        """Return how many runs it has had."""
        query = sa.select(_erasures.c.runs).where(_erasures.c.id == erasure_id)
        with self.database.read() as connection:
            return int(connection.scalar(query) or 0)

    def note_found(self, erasure_id: str, step: str, found: int) -> None:
        """Remember the most things that the step has found, before it erases them."""
        self._set(erasure_id, step, found=greatest(_steps.c.found, found))

    def note_result(
        self, erasure_id: str, step: str, state: StepState, remaining: int, error: str = ""
    ) -> None:
        """Remember how a step went."""
        self._set(erasure_id, step, state=state, remaining=remaining, error=error)

    def certify(self, erasure_id: str, certificate: Mapping[str, object], at: str) -> None:
        """Keep the certificate, unless there is one already."""
        with self.database.write() as connection:
            connection.execute(
                sa.update(_erasures)
                .where(_erasures.c.id == erasure_id, _erasures.c.certificate == "")
                .values(certificate=json.dumps(certificate), finished_at=at)
            )

    def close(self, erasure_id: str) -> None:
        """Mark it done and forget whom it was about."""
        values = {"state": ErasureState.DONE, "user_id": "", "nonce": ""}
        self._update(erasure_id, values)

    def fail(self, erasure_id: str) -> None:
        """Mark it failed; whom it is about stays until a retry has done it."""
        self._update(erasure_id, {"state": ErasureState.FAILED})

    def _update(self, erasure_id: str, values: Mapping[str, object]) -> None:
        with self.database.write() as connection:
            mine = _erasures.c.id == erasure_id
            connection.execute(sa.update(_erasures).where(mine).values(**values))

    def _set(self, erasure_id: str, step: str, **values: Any) -> None:
        mine = (_steps.c.erasure_id == erasure_id) & (_steps.c.name == step)
        with self.database.write() as connection:
            connection.execute(sa.update(_steps).where(mine).values(**values))


def _row(erasure: Erasure, user_id: str) -> dict[str, object]:
    return {
        "id": erasure.id,
        "user_id": user_id,
        "nonce": erasure.nonce,
        "subject": erasure.subject,
        "requested_by": erasure.requested_by,
        "requested_at": erasure.requested_at,
        "state": erasure.state,
        "runs": 1,
        "finished_at": "",
        "certificate": "",
    }


def _step_row(erasure_id: str, position: int, step: StepStatus) -> dict[str, object]:
    return {
        "erasure_id": erasure_id,
        "name": step.name,
        "position": position,
        "state": step.state,
        "found": step.found,
        "remaining": step.remaining,
        "error": step.error,
    }


def _erasure(row: Any, steps: Sequence[Any]) -> Erasure:
    return Erasure(
        id=row["id"],
        subject=row["subject"],
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        state=ErasureState(row["state"]),
        steps=tuple(
            StepStatus(s["name"], StepState(s["state"]), s["found"], s["remaining"], s["error"])
            for s in steps
        ),
        finished_at=row["finished_at"],
        certificate=json.loads(row["certificate"]) if row["certificate"] else None,
        nonce=row["nonce"],
    )
