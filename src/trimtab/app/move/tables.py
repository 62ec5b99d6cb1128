"""Reads, copies and compares the tables of an installation."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from trimtab.app.move.errors import ProofFailed, RelocationRefused
from trimtab.app.move.progress import ReportProgress
from trimtab.infra.storage import Database, DataDirectory
from trimtab.infra.storage.installation import CHAIN
from trimtab.infra.storage.transfer import (
    Misfit,
    Table,
    TableDigest,
    Transform,
    copy_rows,
    copy_sequences,
    digest_of,
    plan_tables,
)
from trimtab.knowledge.relocation import complete_target

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """The tables of each database, and what the source has in them.

    Attributes:
        tables: By the name of the database, in the order to copy them.
        digests: Of the source, by the name of the table.
        transform: Applied to every text.
    """

    tables: Mapping[str, list[Table]]
    digests: Mapping[str, TableDigest]
    transform: Transform | None = None

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return sum(digest.rows for digest in self.digests.values())


def look(
    source: Mapping[str, Database],
    sqlite: Mapping[str, Database],
    to: str,
    progress: ReportProgress,
    transform: Transform | None = None,
) -> TransferPlan:
    """Read every row of the source.

    Args:
        source: Databases by name.
        sqlite: The side on SQLite, which has the schema; the source itself or the empty target.
        to: Dialect of the target.
        progress: Called after each table.
        transform: Applied to every text.

    Raises:
        RelocationRefused: Values do not fit the target.
    """
    tables, digests = {}, {}
    for name, database in source.items():
        with sqlite[name].read() as connection:
            tables[name] = plan_tables(connection, (CHAIN,))
        with database.read() as connection:
            for table in tables[name]:
                found = digest_of(connection, table, transform, target=to)
                digests[table.name] = found
                progress("look", table.name, found.rows, found.rows)
    _refuse_misfits(digests.values())
    return TransferPlan(tables, digests, transform)


def _refuse_misfits(digests: Iterable[TableDigest]) -> None:
    found: list[Misfit] = [misfit for digest in digests for misfit in digest.misfits]
    count = sum(digest.misfit_count for digest in digests)
    if not found:
        return
    shown = "; ".join(map(str, found[:_SHOWN])) + ("; ..." if count > _SHOWN else "")
    only_nul = all("NUL" in misfit.reason for misfit in found)
    raise RelocationRefused(
        f"{count} value{'' if count == 1 else 's'} cannot be stored by the target: {shown}.",
        hint="`--strip-nul` moves texts without their NUL characters."
        if only_nul
        else "Nothing was copied. Erase the record, or report this with the release.",
    )


def copy(
    plan: TransferPlan,
    source: Mapping[str, Database],
    target: Mapping[str, Database],
    progress: ReportProgress,
) -> None:
    """Copy all tables; each database in one transaction of the target."""
    for name, tables in plan.tables.items():
        with source[name].read() as reading, target[name].write() as writing:
            for table in _described(tables, source[name], target[name]):
                total = plan.digests[table.name].rows

                def report(rows: int, table: Table = table, total: int = total) -> None:
                    progress("copy", table.name, rows, total)

                copy_rows(reading, writing, table, plan.transform, report)
                copy_sequences(reading, writing, table)
                report(total)


def complete(
    directory: DataDirectory,
    source: Mapping[str, Database],
    target: Mapping[str, Database],
    progress: ReportProgress,
) -> None:
    """Bring over what only one engine has in tables; see `complete_target`."""

    def report(passages: int) -> None:
        progress("copy", "full text", passages, 0)

    complete_target(directory, source["knowledge"], target["knowledge"], report)


def _described(tables: list[Table], *sides: Database) -> Iterator[Table]:
    """Yield the tables with what PostgreSQL knows of them, after comparing the schemas."""
    by_dialect = {side.engine.dialect.name: side for side in sides}
    with ExitStack() as open_:
        sqlite = open_.enter_context(by_dialect["sqlite"].read())
        postgresql = open_.enter_context(by_dialect["postgresql"].read())
        known = {t.name: t for t in plan_tables(sqlite, (CHAIN,), postgresql)}
    for table in tables:
        yield known[table.name]


def prove(plan: TransferPlan, target: Mapping[str, Database], progress: ReportProgress) -> None:
    """Read every row back from the target and compare it with the source.

    Raises:
        ProofFailed: A table differs.
    """
    for name, tables in plan.tables.items():
        with target[name].read() as connection:
            for table in tables:
                expected = plan.digests[table.name]
                found = digest_of(connection, table)
                if (found.rows, found.sha256) != (expected.rows, expected.sha256):
                    raise ProofFailed(
                        f"Table {table.name} differs: {expected.rows} rows with SHA-256"
                        f" {expected.sha256[:12]} were sent, {found.rows} with"
                        f" {found.sha256[:12]} arrived."
                    )
                progress("check", table.name, found.rows, expected.rows)
