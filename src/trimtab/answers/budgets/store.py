"""SQL of budgets, in the chain ``answers``; amounts are whole millionths of a dollar."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from trimtab.infra.storage import Database

_spending = sa.table(
    "budget_spending",
    *map(sa.column, ("name", "period", "spent_micros", "calls", "input_tokens", "output_tokens")),
)
_reservations = sa.table(
    "budget_reservations", *map(sa.column, ("id", "name", "period", "micros", "at"))
)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one call."""

    id: str
    name: str
    period: str
    micros: int
    at: str


@dataclass(frozen=True, slots=True)
class BudgetStore:
    """Spending and reservations on disk, shared by all processes on the database."""

    database: Database

    def reserve(self, reservation: Reservation, limit_micros: int, stale_before: str) -> bool:
        """Set the money aside when it fits under the limit; return whether it did.

        Reservations made before ``stale_before`` belong to calls that a crash cut off. No one knows
        whether they were billed, so they count as spent in full.
        """
        with self.database.write() as connection:
            _write_off(connection, stale_before)
            taken = sum(_totals(connection, reservation.name, reservation.period))
            if taken + reservation.micros > limit_micros:
                return False
            row = {name: getattr(reservation, name) for name in Reservation.__dataclass_fields__}
            connection.execute(sa.insert(_reservations).values(**row))
        return True

    def settle(self, reservation_id: str, micros: int, tokens: tuple[int, int] = (0, 0)) -> None:
        """Replace the reservation by the actual cost; settling twice counts once."""
        mine = _reservations.c.id == reservation_id
        with self.database.write() as connection:
            row = connection.execute(sa.select(_reservations).where(mine)).mappings().first()
            if row is not None:
                connection.execute(sa.delete(_reservations).where(mine))
                _spend(connection, row["name"], row["period"], (micros, *tokens))

    def count_call(self, name: str, period: str) -> None:
        """Count a call that costs nothing here."""
        with self.database.write() as connection:
            _spend(connection, name, period, (0, 0, 0))

    def totals(self, name: str, period: str) -> tuple[int, int]:
        """Return what is spent and what is reserved, in millionths of a dollar."""
        with self.database.read() as connection:
            return _totals(connection, name, period)

    def usage(self, name: str, period: str) -> Mapping[str, int]:
        """Return ``calls``, ``input_tokens`` and ``output_tokens`` of the period."""
        mine = (_spending.c.name == name) & (_spending.c.period == period)
        names = ("calls", "input_tokens", "output_tokens")
        with self.database.read() as connection:
            row = connection.execute(sa.select(_spending).where(mine)).mappings().first()
        return {key: int(row[key]) if row is not None else 0 for key in names}


def _totals(connection: sa.Connection, name: str, period: str) -> tuple[int, int]:
    def of(table: sa.TableClause, column: str) -> int:
        mine = (table.c.name == name) & (table.c.period == period)
        total = sa.func.coalesce(sa.func.sum(table.c[column]), 0)
        return int(connection.scalar(sa.select(total).where(mine)) or 0)

    return of(_spending, "spent_micros"), of(_reservations, "micros")


def _write_off(connection: sa.Connection, before: str) -> None:
    stale = connection.execute(sa.select(_reservations).where(_reservations.c.at < before))
    for row in stale.mappings().all():
        connection.execute(sa.delete(_reservations).where(_reservations.c.id == row["id"]))
        _spend(connection, row["name"], row["period"], (row["micros"], 0, 0))


def _spend(
    connection: sa.Connection, name: str, period: str, amounts: tuple[int, int, int]
) -> None:
    mine = (_spending.c.name == name) & (_spending.c.period == period)
    columns = ("spent_micros", "input_tokens", "output_tokens")
    changed = connection.execute(
        sa.update(_spending)
        .where(mine)
        .values(
            calls=_spending.c.calls + 1,
            **{c: _spending.c[c] + n for c, n in zip(columns, amounts, strict=True)},
        )
    )
    if changed.rowcount == 0:
        row = {"name": name, "period": period, "calls": 1}
        connection.execute(
            sa.insert(_spending).values(**row, **dict(zip(columns, amounts, strict=True)))
        )
