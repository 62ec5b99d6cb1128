"""How the data can be broken, for drills."""

import sqlite3

from trimtab.knowledge.service import Knowledge

_INDEX = "chunks_of_project"
_MOVED = 1_000_000


def unindex_a_row(knowledge: Knowledge) -> None:
    """Make an index disagree with its table, as a lost write does; the table's rows stay right.

    SQLite keeps its indexes right, so a row is changed with its index, and changed back while the index is hidden.
    """
    with knowledge.database.alone() as connection:
        row = connection.execute(
            "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master WHERE name = ?",
            (_INDEX,),
        ).fetchone()
        _move(connection, _MOVED)
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = ?", (_INDEX,))
        connection.execute("PRAGMA writable_schema=RESET")
        _move(connection, -_MOVED)
        connection.execute("PRAGMA writable_schema=ON")
        columns = "type, name, tbl_name, rootpage, sql"
        connection.execute(f"INSERT INTO sqlite_master({columns}) VALUES (?,?,?,?,?)", row)  # noqa: S608
        connection.execute("PRAGMA writable_schema=RESET")


def _move(connection: sqlite3.Connection, by: int) -> None:
    connection.execute(
        "UPDATE chunks SET project_key = project_key + ? WHERE key = (SELECT max(key) FROM chunks)",
        (by,),
    )
