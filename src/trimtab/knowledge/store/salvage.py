"""Reads what can still be read of a damaged database, and puts two databases together."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trimtab.knowledge.records import DocumentState
from trimtab.knowledge.store.database import broken_rows, sealed
from trimtab.knowledge.store.integrity import UNREADABLE

_TABLES = ("projects", "documents", "metadata", "chunks", "vectors", "deletions")
_KEY = {"metadata": "", "vectors": "chunk_key", "deletions": ""}
_BLOCK = 200
LABELS_UNKNOWN = "recovered-labels-unknown"
"""Access label of documents whose labels could not be read: they must not become public."""


@dataclass(frozen=True, slots=True)
class MergeReport:
    """Number of documents of a merge, by source."""

    documents: int
    from_recovery: int
    """Those that the recovery had newer, or alone."""


def salvage(damaged: Path, target: Path) -> int:
    """Copy all readable rows into an empty database of this schema; count the documents.

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
            names = ",".join(columns)
            insert = f"INSERT OR IGNORE INTO {table}({names}) VALUES ({marks})"  # noqa: S608
            for rows in _readable(source, table, columns):
                into.executemany(insert, rows)
        if not _whole(source, "metadata"):
            _hide_all(into)
        _drop_broken(into)
        _drop_incomplete(into)
        into.execute("COMMIT")
        return int(into.execute("SELECT count(*) FROM documents").fetchone()[0])
    finally:
        source.close()
        into.close()


def merge(backup: Path | None, recovery: Path, output: Path) -> MergeReport:
    """Merge two databases into empty ``output``; of each document, the newer one wins."""
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
        return MergeReport(total, newer)
    finally:
        into.close()


def lost_documents(before: Path, after: Path) -> tuple[int, str, str]:
    """Count documents of ``before`` that ``after`` lacks or has in an older version; since when.

    The range is that of their creation times.
    """
    connection = sqlite3.connect(after, isolation_level=None)
    try:
        connection.execute("ATTACH ? AS former", (f"file:{before}?mode=ro",))
        count, first, last = connection.execute(
            "SELECT count(*), min(created_at), max(created_at) FROM former.documents"
            " WHERE id NOT IN (SELECT id FROM main.documents)"
            " OR EXISTS (SELECT 1 FROM main.documents AS now"
            "  WHERE now.id = former.documents.id AND now.updated_at < former.documents.updated_at)"
        ).fetchone()
        return int(count), str(first or ""), str(last or "")
    finally:
        connection.close()


def _readable(
    source: sqlite3.Connection, table: str, columns: Sequence[str]
) -> Iterator[list[tuple[object, ...]]]:
    key = _KEY.get(table, "key")
    selected = ",".join(columns)
    if not key:
        try:
            yield source.execute(f"SELECT {selected} FROM {table}").fetchall()  # noqa: S608
        except UNREADABLE:
            return
        return
    last = _last_key(source, table, key)
    for start in range(0, last + 1, _BLOCK):
        query = f"SELECT {selected} FROM {table} WHERE {key}"  # noqa: S608
        yield _block(source, query, start, start + _BLOCK - 1)


def _last_key(source: sqlite3.Connection, table: str, key: str) -> int:
    for query in (
        f"SELECT max({key}) FROM {table}",  # noqa: S608
        "SELECT max(seq) FROM sqlite_sequence",
    ):
        try:
            found = source.execute(query).fetchone()[0]
        except UNREADABLE:
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
    except UNREADABLE:
        if first == last:
            return []
    middle = (first + last) // 2
    return [*_block(source, query, first, middle), *_block(source, query, middle + 1, last)]


def _whole(source: sqlite3.Connection, table: str) -> bool:
    try:
        source.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - names are ours.
    except UNREADABLE:
        return False
    return True


def _hide_all(into: sqlite3.Connection) -> None:
    row = sealed("metadata", {"name": "label", "value": LABELS_UNKNOWN})
    into.execute(
        "INSERT OR IGNORE INTO metadata(document_key, name, value, seal)"
        " SELECT key, :name, :value, :seal FROM documents",
        row,
    )


def rebuild_indexes(alone: sqlite3.Connection) -> None:
    """Rebuild indexes and derived rows, and vacuum; needs exclusive access."""
    alone.execute("PRAGMA foreign_keys=ON")
    if _drop_broken_made(alone):
        queue_the_vectorless(alone)
    alone.execute("REINDEX")
    alone.execute("INSERT INTO chunks_fts(chunks_fts) VALUES('rebuild')")
    alone.execute("VACUUM")


def _drop_broken_made(into: sqlite3.Connection) -> int:
    """Drop the rows with a wrong seal that are made again or kept elsewhere too; return how many.

    Vectors are computed again from their text, deletions are in the list next to the database, and
    a chosen size falls back to its setting.
    """
    count = 0
    for table, key in (
        ("vectors", "chunk_key"),
        ("new_vectors", "chunk_key"),
        ("deletions", "document_id"),
        ("tuning", "name"),
    ):
        gone = list(broken_rows(into, table))
        into.executemany(f"DELETE FROM {table} WHERE {key} = ?", gone)  # noqa: S608
        count += len(gone)
    return count


def _drop_broken(into: sqlite3.Connection) -> None:
    """Drop what has a wrong seal; a document of which a label is broken goes wholly."""
    _drop_broken_made(into)
    for table in ("projects", "documents", "chunks"):
        gone = list(broken_rows(into, table))
        into.executemany(f"DELETE FROM {table} WHERE key = ?", gone)  # noqa: S608 - names are ours.
    labelled = [(row[0],) for row in broken_rows(into, "metadata")]
    into.executemany("DELETE FROM documents WHERE key = ?", labelled)


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
    cursor = into.execute(
        "SELECT * FROM documents WHERE state = 'ready' AND key IN"
        " (SELECT document_key FROM chunks WHERE key NOT IN (SELECT chunk_key FROM vectors))"
    )
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        queued = {**dict(zip(names, row, strict=True)), "state": DocumentState.QUEUED.value}
        into.execute(
            "UPDATE documents SET state = :state, attempts = :attempts, seal = :seal"
            " WHERE key = :key",
            sealed("documents", {**queued, "attempts": 0}),
        )


def _copy(into: sqlite3.Connection, schema: str) -> None:
    for table in _TABLES:
        columns = ",".join(row[1] for row in into.execute(f"PRAGMA main.table_info({table})"))
        into.execute(
            f"INSERT OR IGNORE INTO main.{table}({columns})"  # noqa: S608
            f" SELECT {columns} FROM {schema}.{table}"
        )


def _take_newer(into: sqlite3.Connection) -> int:
    """Add documents that the recovery has newer or alone, under new keys; count them."""
    into.execute(
        "INSERT OR IGNORE INTO main.projects(id, name, created_at, index_version, engine,"
        " embedder, seal)"
        " SELECT id, name, created_at, index_version, engine, embedder, seal"
        " FROM recovery.projects"
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
        "DELETE FROM main.chunks WHERE document_key IN"
        " (SELECT key FROM main.documents WHERE id = ?)",
        (document_id,),
    )
    into.execute(
        "DELETE FROM main.metadata WHERE document_key IN"
        " (SELECT key FROM main.documents WHERE id = ?)",
        (document_id,),
    )
    into.execute("DELETE FROM main.documents WHERE id = ?", (document_id,))
    own = (
        "name, title, media_type, source_hash, size_bytes, characters, state, attempts,"
        " last_error, version, created_at, updated_at, seal"
    )
    new_key = into.execute(
        f"INSERT INTO main.documents(id, project_key, {own})"  # noqa: S608
        f" SELECT id, ?, {own} FROM recovery.documents WHERE key = ?",
        (project_key, key),
    ).lastrowid
    into.execute(
        "INSERT INTO main.metadata(document_key, name, value, seal)"
        " SELECT ?, name, value, seal FROM recovery.metadata WHERE document_key = ?",
        (new_key, key),
    )
    shared = "ordinal, start_offset, end_offset, page, heading, text, seal"
    for chunk_key, chunk_id in into.execute(
        "SELECT key, id FROM recovery.chunks WHERE document_key = ?", (key,)
    ).fetchall():
        new_chunk = into.execute(
            f"INSERT INTO main.chunks(id, project_key, document_key, {shared})"  # noqa: S608
            f" SELECT ?, ?, ?, {shared} FROM recovery.chunks WHERE key = ?",
            (chunk_id, project_key, new_key, chunk_key),
        ).lastrowid
        into.execute(
            "INSERT INTO main.vectors"
            " SELECT ?, model, vector, seal FROM recovery.vectors WHERE chunk_key = ?",
            (new_chunk, chunk_key),
        )
