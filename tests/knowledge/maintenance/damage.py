"""Damage for tests that is made in the process itself."""


def unindex_a_row(knowledge):
    """Make an index disagree with its table: the row moves away with its index, and back while that is hidden."""
    name, columns = "chunks_of_project", "type, name, tbl_name, rootpage, sql"
    with knowledge.database.alone() as connection:
        row = connection.execute(
            f"SELECT {columns} FROM sqlite_master WHERE name = ?", (name,)
        ).fetchone()
        _move(connection, 1_000_000)
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = ?", (name,))
        connection.execute("PRAGMA writable_schema=RESET")
        _move(connection, -1_000_000)
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(f"INSERT INTO sqlite_master({columns}) VALUES (?,?,?,?,?)", row)
        connection.execute("PRAGMA writable_schema=RESET")


def _move(connection, by):
    connection.execute(
        "UPDATE chunks SET project_key = project_key + ? WHERE key = (SELECT max(key) FROM chunks)",
        (by,),
    )
