"""The data directory and the databases in it.

Each domain's ``store.py`` declares its tables (SQLAlchemy Core) and writes through a `Database`;
its schema grows by the Alembic revisions in ``migrations/<chain>/``, one linear chain per domain.
``sqlite/`` holds the connections and the integrity checks of the files.
"""

from trimtab.infra.storage.directory import DataDirectory
from trimtab.infra.storage.errors import DataDirectoryInUse, DataDirectoryUnusable, SchemaTooNew
from trimtab.infra.storage.reserve import DiskReserve
from trimtab.infra.storage.sqlite.database import Database, losses, translate_errors
from trimtab.infra.storage.sqlite.integrity.file_guard import FileGuard

__all__ = [
    "DataDirectory",
    "DataDirectoryInUse",
    "DataDirectoryUnusable",
    "Database",
    "DiskReserve",
    "FileGuard",
    "SchemaTooNew",
    "losses",
    "translate_errors",
]
