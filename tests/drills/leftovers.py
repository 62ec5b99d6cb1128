"""What lies in a data directory, and what a drill has left there beside its record."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from trimtab.app import build
from trimtab.kernel.clock import SystemClock

Snapshot = dict[str, frozenset[str]]
"""Of each file the digest of its content, of each table (``file.db:table``) the digests of its rows."""

RECORD = {
    "state.db:incident": "the drill's incident, its journal, approvals and acts; `incidents list --drills`",
    "state.db:drill_proofs": "that the drill has passed",
    "state.db:notify_outbox": "its messages, which begin with [DRILL]",
    "state.db:audit_events": "who broke and who repaired what",
    "audit_logs/": "the sealed part of that",
    "jobs.db:": "the jobs that have driven the drill's incident",
    "knowledge.deletions": "that the documents of the drill's project were deleted",
    "knowledge.db:deletions": "the same, in the database",
}
"""What a drill leaves on purpose, by the beginning of its name."""
BOOKKEEPING = {
    "-commits": "how often a database was written",
    "-sums": "the sums of a database's pages",
    "sqlite_sequence": "which number the next row gets",
    "_fts_data": "how a full-text index is laid out; its texts are compared by the table itself",
    "_fts_idx": "the same",
    "usage.npz": "the peak of each hour, of whatever the machine does",
}
"""What every write changes, by the end of its name."""
_DERIVED = "index/"
"""Made again from the database in the background, whenever."""


def run_service(settings, clock, work):
    """Start a service, do the work with it and close it; return the work's result and what lies there now."""
    app = build(settings, clock)
    try:
        app.start(handbook=False)
        result = work(app)
    finally:
        app.close()
    return result, snapshot(Path(settings.service.data_dir))


class FastClock(SystemClock):
    """A fast clock that the next service on the data goes on from."""

    RATE = 40.0

    def __init__(self, before=None):
        self.ahead = 0.0 if before is None else before.reached()
        super().__init__(self.RATE, ahead_seconds=self.ahead)

    def reached(self):
        """Return how far it is ahead of the machine by now."""
        return self.ahead + self.monotonic() * (1 - 1 / self.RATE)


def snapshot(folder: Path) -> Snapshot:
    """Return what lies in the folder; databases by their rows, because their bytes change without a reason."""
    found: Snapshot = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or name.startswith(_DERIVED) or name.endswith(("-wal", "-shm")):
            continue
        if path.suffix == ".db":
            found |= {f"{name}:{table}": rows for table, rows in _tables(path)}
        else:
            found[name] = frozenset({_digest(path.read_bytes())})
    return found


def left_by_drill(before: Snapshot, after: Snapshot, usual: set[str]) -> list[str]:
    """Return the files and tables that differ and are neither its record nor what each run of a service changes.

    Args:
        before: Before the drill.
        after: After it, the service closed.
        usual: What a run without a drill has changed; see `changed`.
    """
    return sorted(
        name
        for name in changed(before, after) - usual
        if not name.startswith(tuple(RECORD)) and not name.endswith(tuple(BOOKKEEPING))
    )


def changed(before: Snapshot, after: Snapshot) -> set[str]:
    """Return the names of the files and tables that differ."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def _tables(path: Path):
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (name,) in names.fetchall():
            rows = connection.execute(f'SELECT * FROM "{name}"')
            yield name, frozenset(_digest(repr(row).encode()) for row in rows)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
