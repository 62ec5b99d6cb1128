"""The tables of the knowledge database as SQL that `sqlite3` can read."""

import sqlite3
import tempfile
from pathlib import Path

from trimtab.infra.storage import SqliteDatabase

_SHADOWS = ("_fts_data", "_fts_idx", "_fts_content", "_fts_docsize", "_fts_config")
"""SQLite makes the tables behind a full-text table itself."""


def schema_sql() -> str:
    """Return the statements that make an empty knowledge database of this release.

    The migrations create them, so the two cannot differ. The database is opened as it is: it
    records its own revision.
    """
    with tempfile.TemporaryDirectory(prefix="trimtab-schema-") as folder:
        file = Path(folder) / "knowledge.db"
        SqliteDatabase(file, ("knowledge",)).close()
        connection = sqlite3.connect(file)
        try:
            return _statements(connection)
        finally:
            connection.close()


def _statements(connection: sqlite3.Connection) -> str:
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
    )
    made = [
        sql for name, sql in rows if not name.startswith("sqlite_") and not name.endswith(_SHADOWS)
    ]
    ((revision,),) = connection.execute("SELECT version_num FROM schema_knowledge")
    made.append(f"INSERT INTO schema_knowledge VALUES ('{revision}')")  # noqa: S608 - our own.
    return "".join(f"{statement.strip()};\n" for statement in made)
