"""Copies the tables of a database to the other engine, row by row, and proves the copy.

One side is always SQLite: its tables, keys and foreign keys are the plan. The types come from
PostgreSQL, which enforces them. What only one engine has, such as a full-text index, is made again
by the schema of the target.
"""

from trimtab.infra.storage.transfer.copying import copy_rows, copy_sequences
from trimtab.infra.storage.transfer.plan import Column, StoredKind, Table, plan_tables
from trimtab.infra.storage.transfer.rows import (
    MAX_PROBLEMS,
    Misfit,
    TableDigest,
    Transform,
    digest_of,
    read_rows,
)

__all__ = [
    "MAX_PROBLEMS",
    "Column",
    "Misfit",
    "StoredKind",
    "Table",
    "TableDigest",
    "Transform",
    "copy_rows",
    "copy_sequences",
    "digest_of",
    "plan_tables",
    "read_rows",
]
