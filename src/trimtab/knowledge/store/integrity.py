"""Is the database sound, and if not: only its indexes, or the rows themselves?"""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from trimtab.knowledge.store.database import SEALED, broken_rows

_INDEX_ONLY = re.compile(
    r"missing from index|wrong # of entries in index|non-unique entry in index|full-text index"
    r"|^a (vector|setting|deletion) is not as it was written"
)
_MOST = 100
UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""Errors of a damaged file; a message that quotes damaged text may not be valid Unicode."""


class Damage(StrEnum):
    """Kind of damage found by a check."""

    NONE = "none"
    INDEX = "index"
    """Only what is made from the rows: it is made again from them."""
    TABLE = "table"
    """The rows themselves: they come from a backup, or from what can still be read."""


@dataclass(frozen=True, slots=True)
class Integrity:
    """Result of an integrity check."""

    damage: Damage
    problems: tuple[str, ...] = ()
    """At most 100, in SQLite's words."""

    @property
    def ok(self) -> bool:
        """Return whether there is no damage."""
        return self.damage is Damage.NONE


def integrity_of(file: Path, *, full_text: bool = True) -> Integrity:
    """Check every page, index and reference of a database file.

    Args:
        file: The database; it may be in use.
        full_text: Compare the full-text index with the rows too; needs a writable file, though
            it writes nothing.
    """
    mode = "rw" if full_text else "ro"
    try:
        connection = sqlite3.connect(
            f"file:{file}?mode={mode}", uri=True, timeout=30, isolation_level=None
        )
    except sqlite3.Error as error:
        return Integrity(Damage.TABLE, (str(error),))
    try:
        problems = _problems(connection, full_text=full_text)
    except UNREADABLE as error:
        problems = [str(error)]
    finally:
        connection.close()
    return judge(problems)


def judge(problems: Sequence[str]) -> Integrity:
    """Return the kind of damage that these problems are together."""
    if not problems:
        return Integrity(Damage.NONE)
    index_only = all(_INDEX_ONLY.search(problem) for problem in problems)
    return Integrity(Damage.INDEX if index_only else Damage.TABLE, tuple(problems[:_MOST]))


def describe_broken_row(table: str, key: object) -> str:
    """Return the problem that a row's seal is wrong."""
    what = _MADE.get(table, f"a row of {table}")
    return f"{what} is not as it was written: {table} {key}"


def _problems(connection: sqlite3.Connection, *, full_text: bool) -> list[str]:
    found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MOST})")]
    problems = [line for text in found for line in text.splitlines() if line != "ok"]
    for table, rowid, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        problems.append(f"row {rowid} of {table} refers to a row of {parent} that is missing")
    # Also when an index is damaged: rebuilt from a damaged row, it would hide the damage.
    problems += _broken_seals(connection)
    if full_text and not problems:
        problems += _full_text_problems(connection)
    return problems


_MADE = {
    "vectors": "a vector",
    "new_vectors": "a vector",
    "tuning": "a setting",
    "deletions": "a deletion",
}


def _broken_seals(connection: sqlite3.Connection) -> list[str]:
    problems = []
    for table in SEALED:
        try:
            problems += [
                describe_broken_row(table, row[0])
                for row in islice(broken_rows(connection, table), _MOST)
            ]
        except UNREADABLE as error:
            problems.append(f"{table}: {error}")
    return problems


def _full_text_problems(connection: sqlite3.Connection) -> list[str]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("INSERT INTO chunks_fts(chunks_fts, rank) VALUES('integrity-check', 1)")
    except UNREADABLE as error:
        return [f"full-text index: {error}"]
    finally:
        connection.execute("ROLLBACK")
    return []
