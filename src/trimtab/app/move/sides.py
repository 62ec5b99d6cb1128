"""The databases of an installation on either engine."""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trimtab.app.move.errors import RelocationRefused
from trimtab.infra.environment import STATE_CHAINS, STATE_FILE
from trimtab.infra.storage import Database, SqliteDatabase
from trimtab.infra.storage.migrate import newest
from trimtab.knowledge.relocation import KNOWLEDGE_FILE
from trimtab.models.context import CHAINS as MODELS_CHAINS
from trimtab.models.context import DATABASE_FILE as MODELS_FILE

if TYPE_CHECKING:
    from trimtab.infra.storage.postgresql import PostgresServer

_ANSWER_SECONDS = 3_600.0
"""A large table is checked for foreign keys at the end of its copy, in one answer."""


@dataclass(frozen=True, slots=True)
class Part:
    """A database of an installation: a file on SQLite, schemas on PostgreSQL."""

    name: str
    file: str
    chains: tuple[str, ...]
    page_sums: bool = False
    keep_pages: bool = False


PARTS = (
    Part("state", STATE_FILE, STATE_CHAINS, page_sums=True),
    Part("knowledge", KNOWLEDGE_FILE, ("knowledge",), keep_pages=True),
    Part("models", MODELS_FILE, MODELS_CHAINS, page_sums=True),
)
Databases = Mapping[str, Database]
"""By the name of the part."""
SCHEMAS = tuple(chain for part in PARTS for chain in part.chains)


def require_current(folder: Path) -> None:
    """Refuse a directory without an installation, or with the schema of another release.

    Raises:
        RelocationRefused: It says which file, and what to do.
    """
    for part in PARTS:
        file = folder / part.file
        if not file.exists():
            raise RelocationRefused(
                f"{folder} holds no complete installation: {part.file} is missing.",
                hint="Name the data directory with --data-dir, or start trimtab there once.",
            )
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            for chain in part.chains:
                try:
                    found = connection.execute(f"SELECT version_num FROM schema_{chain}").fetchone()  # noqa: S608 - ours.
                except sqlite3.OperationalError:
                    found = None
                if found is None or found[0] != newest(chain):
                    raise RelocationRefused(
                        f"{part.file} was last used by another release of trimtab.",
                        hint="Start this release on it once, stop it, then repeat the move.",
                    )


def settle(folder: Path) -> None:
    """Leave each closed database of a folder as one file, synced to disk.

    A start creates the files next to it again.
    """
    for part in PARTS:
        file = folder / part.file
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode=DELETE")
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
    kept = {part.file for part in PARTS}
    for beside in folder.iterdir():
        if beside.name not in kept:
            beside.unlink()


def open_sqlite(folder: Path, stack: ExitStack) -> Databases:
    """Open the databases in a folder, creating those that are missing."""
    opened = {}
    for part in PARTS:
        database = SqliteDatabase(
            folder / part.file,
            part.chains,
            page_sums=part.page_sums,
            keep_pages=part.keep_pages,
        )
        stack.callback(database.close)
        opened[part.name] = database
    return opened


def open_postgresql(server: "PostgresServer", stack: ExitStack) -> Databases:
    """Open the databases on a server, creating those that are missing."""
    from trimtab.infra.storage.postgresql import PostgresDatabase

    opened = {}
    for part in PARTS:
        database = PostgresDatabase(server, part.name, part.chains)
        stack.callback(database.close)
        sa.event.listen(database.engine, "connect", _be_patient)
        opened[part.name] = database
    return opened


def _be_patient(connection: Any, _record: object) -> None:
    connection.limit = _ANSWER_SECONDS
