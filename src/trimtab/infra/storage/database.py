"""Database that the stores of the domains write through, on SQLite or PostgreSQL."""

import sys
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from types import CodeType
from typing import Any, Protocol, runtime_checkable

import sqlalchemy as sa

from trimtab.infra.storage.marks import ChangeMarks
from trimtab.infra.storage.transactions import Transactions
from trimtab.kernel.health import ComponentHealth, Status

_WRAPPERS = ("read", "write")
"""Methods that only pass a transaction on; their caller is the one to name."""


@runtime_checkable
class ServerReads(Protocol):
    """Queries of one round trip and marks of changes, which a database on a server has.

    Attributes:
        marks: Of what other processes change; shared by all databases of one server.
    """

    marks: ChangeMarks

    def fetch_first(self, query: str, *parameters: object) -> Any | None:
        """Return the first row of one query, with its columns as attributes; None without one.

        It takes one round trip, where `Database.read` takes three, and a tenth of the processor
        time of SQLAlchemy's layers.

        Args:
            query: In the driver's form; it names the schema of each table.
            parameters: The values of its ``%s``.

        Raises:
            Unavailable: The server does not answer.
        """
        ...


class Database(ABC):
    """Tables of some chains of migrations, with many readers and one writer at a time.

    Attributes:
        name: Of the database in logs, metrics and messages, such as ``state.db``.
        chains: The domains whose tables it holds, each a folder of revisions in ``migrations/``.
        changes: Number of write transactions of this process so far; a result cached at an earlier
            number may be stale.
        engine: Connections of the database; stores use `read` and `write` instead.
        transactions: What runs and what was slow.
    """

    name: str
    chains: tuple[str, ...]
    changes: int
    engine: sa.Engine
    transactions: Transactions

    @abstractmethod
    def read(self) -> AbstractContextManager[sa.Connection]:
        """Open a read transaction with one consistent snapshot."""

    @abstractmethod
    def write(self) -> AbstractContextManager[sa.Connection]:
        """Open a write transaction that commits at the end.

        It holds the write lock from its start. An exception rolls the whole transaction back.
        """

    @abstractmethod
    def scrub(self) -> None:
        """Remove older copies of deleted rows, as far as the engine can.

        Raises:
            Unavailable: A reader prevents it; try again later.
        """

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""

    @property
    def lost_commits(self) -> int:
        """Number of acknowledged commits that were missing at this start."""
        return 0


def losses(database: Database) -> ComponentHealth | None:
    """Return degraded health when acknowledged commits were missing at this start, or None."""
    if not (changes := database.lost_commits):
        return None
    return ComponentHealth(
        Status.DEGRADED,
        f"{changes} acknowledged changes of {database.name} were missing at this start.",
        facts={"changes_lost": changes},
    )


def caller() -> CodeType:
    """Return the code of the function that opened the transaction from which this is called."""
    code = sys._getframe(3).f_code  # noqa: SLF001 - 1 is the transaction's, 2 contextlib's.
    if code.co_name in _WRAPPERS:
        code = sys._getframe(5).f_code  # noqa: SLF001 - 4 is contextlib's again.
    return code
