"""The data directory and the databases in it.

Each domain's ``store.py`` declares its tables (SQLAlchemy Core) and writes through a `Database`; its schema grows by
the Alembic revisions in ``migrations/<chain>/``, one linear chain a domain.
"""

from trimtab.infra.storage.database import Database, losses, translated
from trimtab.infra.storage.directory import DataDirectory
from trimtab.infra.storage.errors import DataDirectoryInUse, DataDirectoryUnusable, SchemaTooNew
from trimtab.infra.storage.guard import FileGuard
from trimtab.infra.storage.reserve import DiskReserve

__all__ = [
    "DataDirectory",
    "DataDirectoryInUse",
    "DataDirectoryUnusable",
    "Database",
    "DiskReserve",
    "FileGuard",
    "SchemaTooNew",
    "losses",
    "translated",
]
