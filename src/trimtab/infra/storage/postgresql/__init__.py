"""Databases on a PostgreSQL server; imported only when one is configured, because it is slow."""

from trimtab.infra.storage.postgresql.database import PostgresDatabase
from trimtab.infra.storage.postgresql.server import PostgresServer

__all__ = ["PostgresDatabase", "PostgresServer"]
