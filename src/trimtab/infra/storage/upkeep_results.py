"""Last result of the regular upkeep of each database, which outlives a restart."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from trimtab.infra.storage.database import Database
from trimtab.infra.storage.dialect import replace_row
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import Sample

_results = sa.table("upkeep_results", *map(sa.column, ("database", "at", "summary", "facts")))


@dataclass(frozen=True, slots=True)
class UpkeepReport:
    """Result of the last upkeep of a database."""

    database: str
    at: datetime
    summary: str
    """What was vacuumed, analyzed, rebuilt and found slow, or why it failed."""
    facts: Mapping[str, object]


class UpkeepResults:
    """Keeps the last result of each database.

    Args:
        database: Holds the chain ``state``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, report: UpkeepReport) -> None:
        """Write the result over the former one of the same database."""
        row = {
            "database": report.database,
            "at": report.at.isoformat(),
            "summary": report.summary,
            "facts": json.dumps(report.facts, default=str),
        }
        with self._database.write() as connection:
            replace_row(connection, _results, row, key=("database",))

    def all(self) -> tuple[UpkeepReport, ...]:
        """Return the last results by the database's name."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(_results).order_by(_results.c.database)).mappings()
            return tuple(
                UpkeepReport(
                    row["database"],
                    datetime.fromisoformat(row["at"]),
                    row["summary"],
                    json.loads(row["facts"]),
                )
                for row in rows
            )

    def ages(self, databases: Collection[str], now: datetime) -> list[Sample]:
        """Return the seconds since the last upkeep of these databases; none that is not known."""
        try:
            found = self.all()
        except TrimtabError:
            return []  # A signal never fails: the database's own health says why.
        return [
            Sample((now - each.at).total_seconds(), {"database": each.database})
            for each in found
            if each.database in databases
        ]

    def of(self, database: str) -> UpkeepReport | None:
        """Return the last result of a database; None before the first."""
        return next((each for each in self.all() if each.database == database), None)
