"""How the data can be broken, for drills."""

import os
import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np

from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Arguments, Fault, Param, Realism, Value
from trimtab.knowledge.care.backups import copy_database
from trimtab.knowledge.service import Knowledge
from trimtab.knowledge.store.integrity import Damage
from trimtab.knowledge.usage import CacheSizes

_MB = 1024 * 1024
_KINDS = {
    "logs": "logs/drill.log.gz",
    "snapshots": "snapshots/drill",
    "temp": "temp/drill",
    "young": "temp/young-drill",
}

_PACE = Param("megabytes_per_beat", "integer", "Growth at each heartbeat.", 3, 1, 1000)

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


def wreck_table(knowledge: Knowledge, table: str) -> None:
    """Overwrite the first page of a table's rows in the file, as a bad disk does."""
    with knowledge.database.alone() as connection:
        page = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with knowledge.database.file.open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(b"\xa5" * size)


def faults(knowledge: Knowledge, clock: Clock) -> Iterable[Fault]:
    """Yield every fault of care."""
    yield from _of_the_database(knowledge)
    yield from _of_the_disk(knowledge, clock)
    yield from _of_the_memory(knowledge)


def _of_the_database(knowledge: Knowledge) -> Iterable[Fault]:
    broken = _BrokenDatabase(knowledge)
    yield Fault(
        "knowledge.database.damage_index",
        "Make an index of the database disagree with its table.",
        broken.damage_index,
        broken.restore,
        realism=Realism.SIMULATED,
        simulated_because="the index is changed by SQL, and the fault itself runs the check that finds it",
    )
    yield Fault(
        "knowledge.database.damage_table",
        "Overwrite the first page of a table, after taking a backup.",
        broken.damage_table,
        broken.restore,
        params=(
            Param("table", "string", "Which table.", "vectors", choices=("vectors", "chunks")),
            Param(
                "backup_age_hours",
                "number",
                "Date the newest backup back by so many hours, as if the hourly ones had failed.",
                0.0,
                0,
                1000,
            ),
        ),
        realism=Realism.SIMULATED,
        simulated_because="the fault takes the backup that the repair needs, and runs the check that finds the damage",
    )


class _BrokenDatabase:
    """A damaged database, and the copy from before that puts it back."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._care = knowledge.care
        self._pristine = knowledge.database.file.with_name("knowledge.db.before-drill")

    def damage_index(self, _: Arguments) -> Mapping[str, Value]:
        unindex_a_row(self._knowledge)
        self._care.check()
        return {}

    def damage_table(self, given: Arguments) -> Mapping[str, Value]:
        copy_database(self._knowledge.database.file, self._pristine)
        backup = self._care.backup().path
        hours = float(given["backup_age_hours"])
        if hours:
            self._hide_all_but(self._care.backups.aged(backup, timedelta(hours=hours)))
        wreck_table(self._knowledge, str(given["table"]))
        self._care.check()
        return {}

    def restore(self, _: Mapping[str, Value]) -> None:
        for hidden in self._care.backups.folder.glob("hidden-*"):
            hidden.rename(hidden.with_name(hidden.name.removeprefix("hidden-")))
        if self._care.check().damage is Damage.INDEX:
            self._care.repair_indexes()
        if not self._care.integrity.ok and self._pristine.exists():
            kept = self._knowledge.database.file.with_name("knowledge.db.drilled")
            self._knowledge.database.replace(self._pristine, kept)
            self._knowledge.forget_all()
            self._care.check()
        self._pristine.unlink(missing_ok=True)

    def _hide_all_but(self, backup: Path) -> None:
        for other in self._care.backups.list():
            if other.path != backup:
                other.path.rename(other.path.with_name(f"hidden-{other.path.name}"))


def _of_the_disk(knowledge: Knowledge, clock: Clock) -> Iterable[Fault]:
    care = knowledge.care
    folder = knowledge.database.file.parent

    def fill(given: Arguments) -> Mapping[str, Value]:
        kind, size = str(given["kind"]), int(given["megabytes"]) * _MB
        file = folder / _KINDS[kind]
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(os.urandom(1024) * (size // 1024))
        days = 40 if kind != "young" else 0
        stamp = (clock.now() - timedelta(days=days)).timestamp()
        os.utime(file, (stamp, stamp))
        used = care.disk.data_bytes()
        before = care.set_disk_budget(int(used / 0.95) // _MB + 1)
        return {"file": str(file), "budget": before}

    def restore(before: Mapping[str, Value]) -> None:
        for name in _KINDS.values():
            (folder / name).unlink(missing_ok=True)
            (folder / f"{name}.gz").unlink(missing_ok=True)
        care.set_disk_budget(int(before["budget"]))

    yield Fault(
        "knowledge.disk.fill",
        "Fill the data directory to 95 % of its budget with old files of one kind, or with young ones.",
        fill,
        restore,
        params=(
            Param("kind", "string", "What to fill it with.", "logs", choices=tuple(_KINDS)),
            Param("megabytes", "integer", "How much to write.", 100, 1, 10_000),
        ),
        realism=Realism.SIMULATED,
        simulated_because="the budget is lowered to the space in use; no disk is full",
    )


def _of_the_memory(knowledge: Knowledge) -> Iterable[Fault]:
    memory = _Memory(knowledge)
    yield Fault(
        "knowledge.memory.leak",
        "Let the process grow at each heartbeat.",
        memory.leak,
        memory.restore,
        (_PACE,),
        realism=Realism.SIMULATED,
        simulated_because="a function of the drill holds the memory, and the repair ends that function",
    )
    yield Fault(
        "knowledge.memory.fill_cache",
        "Take the bounds off the caches, and let them grow at each heartbeat.",
        memory.fill_cache,
        memory.restore,
        (_PACE,),
        realism=Realism.SIMULATED,
        simulated_because="a function of the drill fills the cache; no callers do",
    )


class _Memory:
    """Memory that grows at each heartbeat."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._held: list[bytearray] = []

    def leak(self, given: Arguments) -> Mapping[str, Value]:
        def grow() -> None:
            held = bytearray(os.urandom(1)) * (int(given["megabytes_per_beat"]) * _MB)
            self._held.append(held)

        self._knowledge.on_beat.append(grow)
        return {}

    def fill_cache(self, given: Arguments) -> Mapping[str, Value]:
        knowledge = self._knowledge
        before = knowledge.cache_sizes()
        knowledge.resize_caches(CacheSizes(1_000_000, 1_000_000, 1_000_000))

        def grow() -> None:
            width = int(given["megabytes_per_beat"]) * _MB // 4
            knowledge.encoder.cache.put(
                f"drill {len(knowledge.on_beat)} {secrets.token_hex(4)}", np.ones(width, np.float32)
            )

        knowledge.on_beat.append(grow)
        return {
            "query": before.query,
            "embedding": before.embedding,
            "memory_mb": before.memory_mb,
        }

    def restore(self, before: Mapping[str, Value]) -> None:
        knowledge = self._knowledge
        knowledge.on_beat.clear()
        self._held.clear()
        knowledge.empty_caches()
        if before:
            sizes = (int(before[name]) for name in ("query", "embedding", "memory_mb"))
            knowledge.resize_caches(CacheSizes(*sizes))
