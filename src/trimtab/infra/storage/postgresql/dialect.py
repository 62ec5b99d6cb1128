"""SQLAlchemy's dialect for PostgreSQL with the types of the stores.

The revisions and stores declare ``String(n)`` and ``Integer``, which SQLite takes as text and
64-bit integers of any size. PostgreSQL would refuse a longer text and a larger number, and would
compare texts by the rules of a language: an ICU collation orders ``...00:00.5+00:00`` before
``...00:00+00:00``, so that "newest" and "due" would be wrong without an error.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg


class _Definitions(PGDDLCompiler):
    """Creates every text column as ``TEXT COLLATE "C"`` and every integer as ``BIGINT``."""

    def get_column_specification(self, column: sa.Column[Any], **options: Any) -> str:
        if isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum):
            column.type = sa.Text(collation="C")
        elif isinstance(column.type, sa.Integer):
            column.type = sa.BigInteger()
        specification = super().get_column_specification(column, **options)  # type: ignore[no-untyped-call]
        return str(specification)


class _BigInteger(sa.BigInteger):
    render_bind_cast = True


class StoreDialect(PGDialect_psycopg):
    """Dialect of the driver psycopg whose integers are 64 bits wide."""

    driver = "trimtab"
    supports_statement_cache = True
    ddl_compiler = _Definitions
    colspecs = {  # noqa: RUF012 - SQLAlchemy's own declaration.
        **PGDialect_psycopg.colspecs,
        sa.Integer: _BigInteger,
        sa.SmallInteger: _BigInteger,
    }


sa.dialects.registry.register("postgresql.trimtab", __name__, StoreDialect.__name__)
