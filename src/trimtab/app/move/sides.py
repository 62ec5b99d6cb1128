"""The databases of an installation on either engine."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trimtab.app.move.errors import MoveRefused
from trimtab.infra.environment import STATE_CHAINS, STATE_FILE
from trimtab.infra.storage import Database, SqliteDatabase
from trimtab.infra.storage.installation import MOVE_LOCK
from trimtab.knowledge.store.database import DATABASE as KNOWLEDGE_FILE
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
SCHEMAS = tuple(chain for part in PARTS for chain in part.chains)


def open_sqlite(folder: Path, closing: ExitStack) -> Mapping[str, Database]:
    """Open the databases in a folder, creating those that are missing."""
    opened = {}
    for part in PARTS:
        database = SqliteDatabase(
            folder / part.file,
            part.chains,
            page_sums=part.page_sums,
            keep_pages=part.keep_pages,
        )
        closing.callback(database.close)
        opened[part.name] = database
    return opened


def open_postgresql(server: "PostgresServer", closing: ExitStack) -> Mapping[str, Database]:
    """Open the databases on a server, creating those that are missing."""
    from trimtab.infra.storage.postgresql import PostgresDatabase

    opened = {}
    for part in PARTS:
        database = PostgresDatabase(server, part.name, part.chains)
        closing.callback(database.close)
        sa.event.listen(database.engine, "connect", _be_patient)
        opened[part.name] = database
    return opened


def _be_patient(connection: Any, _record: object) -> None:
    connection.limit = _ANSWER_SECONDS
