"""Lets the tests' own process write without waiting for the disk.

A commit waits some milliseconds until its bytes are on the disk, and a run makes a hundred thousand. That protects from a
crash of the machine only: what a killed process has written is still there. Processes that tests start wait as ever, and
so does a test with the mark ``durable``.
"""

import os
import sqlite3
import sys

_fsync = os.fsync
_durable = False
_listening = False


def install(*, durable):
    """Prepare the next test: its files and SQLite databases wait for the disk only if it is about that."""
    global _durable, _listening  # noqa: PLW0603 - one process runs one test at a time.
    _durable = durable
    os.fsync = _fsync if durable else _skip
    sqlalchemy = sys.modules.get("sqlalchemy")  # Tests without a database do without it.
    if sqlalchemy is not None and not _listening:
        sqlalchemy.event.listen(sqlalchemy.pool.Pool, "checkout", _relax)
        _listening = True


def _skip(_file):
    pass


def _relax(connection, record, _proxy):
    if not _durable and isinstance(connection, sqlite3.Connection) and "relaxed" not in record.info:
        connection.execute("PRAGMA synchronous=OFF")
        record.info["relaxed"] = True
