"""The data directory and the databases in it.

Each domain's ``store.py`` declares its tables (SQLAlchemy Core) and writes through a `Database`;
its schema grows by the Alembic revisions in ``migrations/<chain>/``, one linear chain per domain.
``sqlite/`` holds the connections and the integrity checks of the files, ``postgresql/`` the
connections to a server; ``dialect.py`` has the statements that the two write differently.
"""

from trimtab.infra.storage.database import Database, ServerReads, losses
from trimtab.infra.storage.directory import DataDirectory
from trimtab.infra.storage.errors import (
    DatabaseUnsafe,
    DatabaseUrlInvalid,
    DataDirectoryInUse,
    DataDirectoryUnusable,
    SchemaTooNew,
    SecretDiffers,
)
from trimtab.infra.storage.reserve import DiskReserve
from trimtab.infra.storage.sqlite.database import SqliteDatabase, translate_errors
from trimtab.infra.storage.sqlite.integrity.file_guard import FileGuard

__all__ = [
    "DataDirectory",
    "DataDirectoryInUse",
    "DataDirectoryUnusable",
    "Database",
    "DatabaseUnsafe",
    "DatabaseUrlInvalid",
    "DiskReserve",
    "FileGuard",
    "SchemaTooNew",
    "SecretDiffers",
    "ServerReads",
    "SqliteDatabase",
    "losses",
    "translate_errors",
]
