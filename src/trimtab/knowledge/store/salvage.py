"""Reads what can still be read of a damaged database, and puts two databases together."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_TABLES = ("projects", "documents", "metadata", "chunks", "vectors", "deletions")
_KEY = {"metadata": "", "vectors": "chunk_key", "deletions": ""}
_BLOCK = 200


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge took from where."""

    documents: int
    from_recovery: int
    """Those that the recovery had newer, or alone."""


def salvage(damaged: Path, target: Path) -> int:
    """Copy every row that can be read into an empty database of the present schema; return how many documents.

    Documents of which a passage is missing are left out: half a document would be an unseen loss.
    """
    source = sqlite3.connect(f"file:{damaged}?mode=ro", uri=True, timeout=30)
    source.text_factory = lambda raw: raw.decode("utf-8", "replace")
    into = sqlite3.connect(target, isolation_level=None)
    try:
        into.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            columns = [row[1] for row in into.execute(f"PRAGMA table_info({table})")]
            marks = ",".join("?" * len(columns))
            insert = f"INSERT OR IGNORE INTO {table}({','.join(columns)}) VALUES ({marks})"  # noqa: S608 - names are ours.
            for rows in _readable(source, table, columns):
                into.executemany(insert, rows)
        _drop_incomplete(into)
        into.execute("COMMIT")
        return int(into.execute("SELECT count(*) FROM documents").fetchone()[0])
    finally:
        source.close()
        into.close()


def merge(backup: Path | None, recovery: Path, output: Path) -> Merged:
    """Add to ``output`` the newer of each document of both; ``output`` is empty and of the present schema."""
    into = sqlite3.connect(output, isolation_level=None)
    try:
        into.execute("ATTACH ? AS recovery", (str(recovery),))
        if backup is not None:
            into.execute("ATTACH ? AS backup", (str(backup),))
        into.execute("BEGIN IMMEDIATE")
        if backup is not None:
            _copy(into, "backup")
        newer = _take_newer(into)
        total = int(into.execute("SELECT count(*) FROM documents").fetchone()[0])
        into.execute("COMMIT")
        return Merged(total, newer)
    finally:
        into.close()


def lost_documents(before: Path, after: Path) -> tuple[int, str, str]:
    """Return how many documents of ``before`` are not in ``after``, and the range of their creation times."""
    connection = sqlite3.connect(after, isolation_level=None)
    try:
        connection.execute("ATTACH ? AS former", (f"file:{before}?mode=ro",))
        count, first, last = connection.execute(
            "SELECT count(*), min(created_at), max(created_at) FROM former.documents"
            " WHERE id NOT IN (SELECT id FROM main.documents)"
        ).fetchone()
        return int(count), str(first or ""), str(last or "")
    finally:
        connection.close()


def _readable(
    source: sqlite3.Connection, table: str, columns: Sequence[str]
) -> Iterator[list[tuple[object, ...]]]:
    key = _KEY.get(table, "key")
    wanted = ",".join(columns)
    if not key:
        try:
            yield source.execute(f"SELECT {wanted} FROM {table}").fetchall()  # noqa: S608
        except sqlite3.DatabaseError:
            return
        return
    last = _last_key(source, table, key)
    for start in range(0, last + 1, _BLOCK):
        yield _block(source, f"SELECT {wanted} FROM {table} WHERE {key}", start, start + _BLOCK - 1)  # noqa: S608


def _last_key(source: sqlite3.Connection, table: str, key: str) -> int:
    for query in (
        f"SELECT max({key}) FROM {table}",  # noqa: S608
        "SELECT max(seq) FROM sqlite_sequence",
    ):
        try:
            found = source.execute(query).fetchone()[0]
        except sqlite3.DatabaseError:
            continue
        if found is not None:
            return int(found)
    return 0


def _block(
    source: sqlite3.Connection, query: str, first: int, last: int
) -> list[tuple[object, ...]]:
    """Read a range of keys; where it cannot be read, its halves."""
    try:
        return source.execute(f"{query} BETWEEN ? AND ?", (first, last)).fetchall()
    except sqlite3.DatabaseError:
        if first == last:
            return []
    middle = (first + last) // 2
    return [*_block(source, query, first, middle), *_block(source, query, middle + 1, last)]


def _drop_incomplete(into: sqlite3.Connection) -> None:
    into.execute(
        "DELETE FROM chunks WHERE document_key NOT IN (SELECT key FROM documents)"
        " OR project_key NOT IN (SELECT key FROM projects)"
    )
    into.execute(
        "DELETE FROM documents WHERE project_key NOT IN (SELECT key FROM projects) OR characters <>"
        " (SELECT coalesce(sum(length(text)), 0) FROM chunks WHERE document_key = documents.key)"
    )
    into.execute("DELETE FROM chunks WHERE document_key NOT IN (SELECT key FROM documents)")
    into.execute("DELETE FROM vectors WHERE chunk_key NOT IN (SELECT key FROM chunks)")
    into.execute("DELETE FROM metadata WHERE document_key NOT IN (SELECT key FROM documents)")
    queue_the_vectorless(into)


def queue_the_vectorless(into: sqlite3.Connection) -> None:
    """Queue the documents that lack a vector, so that it is made again."""
    into.execute(
        "UPDATE documents SET state = 'queued', attempts = 0 WHERE state = 'ready' AND key IN"
        " (SELECT document_key FROM chunks WHERE key NOT IN (SELECT chunk_key FROM vectors))"
    )


def _copy(into: sqlite3.Connection, schema: str) -> None:
    for table in _TABLES:
        columns = ",".join(row[1] for row in into.execute(f"PRAGMA main.table_info({table})"))
        into.execute(
            f"INSERT OR IGNORE INTO main.{table}({columns}) SELECT {columns} FROM {schema}.{table}"  # noqa: S608
        )


def _take_newer(into: sqlite3.Connection) -> int:
    """Bring the documents that the recovery has newer, or alone, under fresh keys; return how many."""
    into.execute(
        "INSERT OR IGNORE INTO main.projects(id, name, created_at, index_version, engine)"
        " SELECT id, name, created_at, index_version, engine FROM recovery.projects"
    )
    newer = into.execute(
        "SELECT r.key, r.id, p.key FROM recovery.documents r"
        " JOIN recovery.projects rp ON rp.key = r.project_key"
        " JOIN main.projects p ON p.id = rp.id"
        " LEFT JOIN main.documents m ON m.id = r.id"
        " WHERE m.key IS NULL OR m.updated_at < r.updated_at"
    ).fetchall()
    for key, document_id, project_key in newer:
        _bring(into, key, document_id, project_key)
    into.execute("INSERT OR REPLACE INTO main.deletions SELECT * FROM recovery.deletions")
    queue_the_vectorless(into)
    return len(newer)


def _bring(into: sqlite3.Connection, key: int, document_id: str, project_key: int) -> None:
    into.execute(
        "DELETE FROM main.vectors WHERE chunk_key IN (SELECT c.key FROM main.chunks c"
        " JOIN main.documents d ON d.key = c.document_key WHERE d.id = ?)",
        (document_id,),
    )
    into.execute(
        "DELETE FROM main.chunks WHERE document_key IN (SELECT key FROM main.documents WHERE id = ?)",
        (document_id,),
    )
    into.execute("DELETE FROM main.documents WHERE id = ?", (document_id,))
    own = "name, title, media_type, source_hash, size_bytes, characters, state, attempts, last_error, version, created_at, updated_at"
    new_key = into.execute(
        f"INSERT INTO main.documents(id, project_key, {own}) SELECT id, ?, {own} FROM recovery.documents WHERE key = ?",  # noqa: S608
        (project_key, key),
    ).lastrowid
    shared = "ordinal, start_offset, end_offset, page, heading, text"
    for chunk_key, chunk_id in into.execute(
        "SELECT key, id FROM recovery.chunks WHERE document_key = ?", (key,)
    ).fetchall():
        new_chunk = into.execute(
            f"INSERT INTO main.chunks(id, project_key, document_key, {shared})"  # noqa: S608
            f" SELECT ?, ?, ?, {shared} FROM recovery.chunks WHERE key = ?",
            (chunk_id, project_key, new_key, chunk_key),
        ).lastrowid
        into.execute(
            "INSERT INTO main.vectors SELECT ?, model, vector FROM recovery.vectors WHERE chunk_key = ?",
            (new_chunk, chunk_key),
        )
