"""Faults of the database: another process overwrites bytes of its file.

Each fault first ingests real documents into a project of its own, so that there is something to
damage and to recover. `restore` searches for them before it removes them.
"""

import contextlib
import re
import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from trimtab.infra.storage import translate_errors
from trimtab.kernel.drilling import OWN_PROJECT
from trimtab.kernel.errors import Conflict, Corrupt, TrimtabError
from trimtab.kernel.operable import Arguments, Fault, Param, Realism, Value
from trimtab.knowledge.errors import ProjectUnknown
from trimtab.knowledge.maintenance.backups import copy_database
from trimtab.knowledge.maintenance.file_damage import overwrite_pages
from trimtab.knowledge.service import Knowledge
from trimtab.knowledge.store.database import ReopenableDatabase

_INDEX = "chunks_of_project"
_DOCUMENTS = 12
_HIDDEN = "hidden-by-drill"
_OLD_COPY = "knowledge.db.before-drill"
_TABLES = ("chunks", "vectors", "documents")


class NotRecovered(Corrupt):
    """The repair ended, and documents that were damaged are still not found."""

    code = "knowledge.not_recovered"
    default_hint = "Do not trust this repair: restore a backup, and report the fault."


def database_faults(knowledge: Knowledge, database: ReopenableDatabase | None) -> Iterable[Fault]:
    """Yield every fault of a database file; without one, as on PostgreSQL, all refuse."""
    damaged = OutOfReach() if database is None else DamagedDatabase(knowledge, database)
    table = Param("table", "string", "Which table.", "chunks", choices=_TABLES)
    yield Fault(
        "knowledge.database.damage_index",
        "Put an index's former page back into the database file, as a lost write does.",
        damaged.lose_index_write,
        damaged.restore,
        realism=Realism.REAL,
    )
    yield Fault(
        "knowledge.database.damage_table",
        "Overwrite a page of a table in the database file, as a bad disk does.",
        damaged.overwrite_table,
        damaged.restore,
        params=(table,),
        realism=Realism.REAL,
    )
    yield Fault(
        "knowledge.database.damage_table_old_backup",
        "Overwrite a page of a table, where the newest backup is of several hours ago.",
        damaged.overwrite_table,
        damaged.restore,
        params=(
            table,
            Param("hours", "number", "The age of the newest backup.", 3.0, 0.1, 1000),
        ),
        realism=Realism.SIMULATED,
        simulated_because="a drill cannot wait for hours: the newest backup is dated back",
    )


class OutOfReach:
    """Refuses to damage the files of a database server."""

    def lose_index_write(self, _: Arguments) -> Mapping[str, Value]:
        """Refuse the fault."""
        raise self._refusal()

    def overwrite_table(self, _: Arguments) -> Mapping[str, Value]:
        """Refuse the fault."""
        raise self._refusal()

    def restore(self, _: Mapping[str, Value]) -> None:
        """Do nothing: nothing was damaged."""

    def _refusal(self) -> Conflict:
        return Conflict(
            "The files of a PostgreSQL server are out of reach of this process.",
            hint="Inject this fault into an installation on SQLite.",
        )


class DamagedDatabase:
    """A damaged database file, and what it takes to put everything back."""

    def __init__(self, knowledge: Knowledge, database: ReopenableDatabase) -> None:
        self._knowledge = knowledge
        self._database = database
        self._maintenance = knowledge.maintenance
        self._folder = database.file.parent
        self._former = self._folder / _OLD_COPY
        self._hidden = self._maintenance.backups.folder / _HIDDEN
        # A process that was killed in a drill left them hidden.
        self._show_backups()

    def lose_index_write(self, _: Arguments) -> Mapping[str, Value]:
        """Take documents in, and put the pages of an index back as they were before."""
        state = self._begin()
        before = self._pages_of(_INDEX)
        self._ingest(str(state["project"]), "after")
        after = self._pages_of(_INDEX)
        stale = [
            (number, content)
            for number, content in before.items()
            if number in after and after[number] != content
        ]
        self._overwrite(stale)
        self._read(str(state["project"]))
        return state

    def overwrite_table(self, given: Arguments) -> Mapping[str, Value]:
        """Ingest documents, take a backup, and overwrite a page with rows of these documents.

        Where another fault of the drill searches meanwhile, a page of what it searches is
        overwritten too: whether the first page holds some of it depends on the lengths of texts.
        """
        state = self._begin()
        self._hide_backups()
        backup = self._maintenance.backup().path
        if hours := float(given.get("hours", 0.0)):
            backup = self._dated_back(backup, timedelta(hours=hours))
        self._ingest(str(state["project"]), "after")
        table = str(given["table"])
        leaves = {self._leaf_of(table, *document) for document in self._in_use(state["project"])}
        self._overwrite([(leaf, b"\xa5" * self._page_bytes()) for leaf in sorted(leaves)])
        self._read(str(state["project"]))
        return {**state, "backup": backup.name}

    def restore(self, state: Mapping[str, Value]) -> None:
        """Put everything back; after a repair, first look whether the documents are found.

        Raises:
            NotRecovered: The repair did not bring back what a backup or the file itself still had.
        """
        if not self._former.exists():
            return  # It was put back before: the copy goes last.
        project = str(state["project"])
        missing: list[str] = []
        if self._maintenance.check().ok:
            missing = self._missing(project, lost=self._lost())
        elif self._former.exists():
            self._database.replace(self._former, self._folder / "corrupted_by_drill.db")
            self._maintenance.derived.forget_all()
            self._maintenance.check()
        self._clear(state)
        if missing:
            raise NotRecovered(
                f"Documents that were damaged were not recovered: {', '.join(missing)}."
            )

    def _begin(self) -> dict[str, Value]:
        project = f"drill-{secrets.token_hex(4)}"
        kept = " ".join(path.name for path in self._maintenance.backups.set_aside())
        copy_database(self._database.file, self._former)
        self._ingest(project, "before")
        return {"project": project, "set_aside": kept}

    def _ingest(self, project: str, when: str) -> None:
        for number in range(_DOCUMENTS):
            word = _word(when, number)
            text = f"# Note {when} {number}\n\n" + f"The {word} of the drill was noted. " * 40
            self._knowledge.ingest_text(project, f"{when}-{number}.md", text)

    def _read(self, project: str) -> None:
        """Read the documents as users do: a read that meets damage alerts the service itself."""
        for when in ("before", "after"):
            for number in range(_DOCUMENTS):
                with contextlib.suppress(TrimtabError):
                    self._knowledge.documents.text(project, f"{when}-{number}.md")

    def _missing(self, project: str, lost: int) -> list[str]:
        """Return the documents that are missing beyond the number that the repair reported."""
        missing = [
            f"{when}-{number}.md"
            for when in ("before", "after")
            for number in range(_DOCUMENTS)
            if not self._found(project, f"{when}-{number}.md", _word(when, number))
        ]
        newer = [name for name in missing if name.startswith("after")]
        return [name for name in missing if name not in newer[:lost]]

    def _found(self, project: str, name: str, word: str) -> bool:
        try:
            # The texts are alike, so all passages are requested; the word is in one document only.
            found = self._knowledge.search(project, word, top_k=100)
        except TrimtabError:
            return False
        return any(
            word in passage.text for passage in found.passages if passage.document_name == name
        )

    def _lost(self) -> int:
        done = self._maintenance.restored
        if done is None:
            return 0
        # Unknown: the damaged file's document list is unreadable; all since the backup may be lost.
        return _DOCUMENTS if done.lost is None else done.lost

    def _clear(self, state: Mapping[str, Value]) -> None:
        """Remove what the drill made: project, copies, backups, damaged files."""
        with contextlib.suppress(ProjectUnknown):
            self._knowledge.projects.delete(str(state["project"]))
        backups = self._maintenance.backups
        if name := str(state.get("backup", "")):
            backups.folder.joinpath(name).unlink(missing_ok=True)
        self._show_backups()
        kept = str(state["set_aside"]).split()
        for file in (*backups.set_aside(), self._former):
            if file.name not in kept:
                file.unlink(missing_ok=True)

    def _hide_backups(self) -> None:
        self._hidden.mkdir(mode=0o700, exist_ok=True)
        for backup in self._maintenance.backups.list():
            backup.path.rename(self._hidden / backup.path.name)

    def _show_backups(self) -> None:
        if self._hidden.is_dir():
            for file in self._hidden.iterdir():
                file.rename(self._maintenance.backups.folder / file.name)
            self._hidden.rmdir()

    def _dated_back(self, backup: Path, by: timedelta) -> Path:
        made = next(found for found in self._maintenance.backups.list() if found.path == backup)
        stamp = re.sub(r"\.\d{8}_\d+$", "", backup.name)
        return backup.rename(backup.with_name(f"{stamp}.{made.at - by:%Y%m%d_%H%M%S}"))

    def _page_bytes(self) -> int:
        with self._opened() as connection:
            return int(connection.execute("PRAGMA page_size").fetchone()[0])

    def _pages_of(self, name: str) -> dict[int, bytes]:
        """Return the pages of a table or index as they stand in the file."""
        self._write_out()
        size = self._page_bytes()
        with self._opened() as connection:
            numbers = connection.execute("SELECT pageno FROM dbstat WHERE name = ?", (name,))
            found = sorted(number for (number,) in numbers)
        raw = self._database.guard.raw
        return {number: raw.at((number - 1) * size, size) for number in found}

    def _in_use(self, project: Value) -> list[tuple[str, str]]:
        """Return project and name of this fault's first document, and of one of each drill's."""
        found = [(str(project), "before-0.md")]
        for other in self._knowledge.projects.list():
            if other.name.startswith(OWN_PROJECT) and other.name != project and other.documents:
                (first,) = self._knowledge.documents.list(other.name, limit=1)
                found.append((other.name, first.name))
        return found

    def _leaf_of(self, table: str, project: str, name: str) -> int:
        """Return the page that holds the first row of a document.

        Pages are found by their content: ids of documents and passages occur nowhere else.
        """
        document = self._knowledge.documents.get(project, name)
        with self._opened() as connection:
            key, chunk = connection.execute(
                "SELECT c.key, c.id FROM chunks c JOIN documents d ON d.key = c.document_key"
                " WHERE d.id = ?",
                (document.id,),
            ).fetchone()
            vector = connection.execute(
                "SELECT vector FROM vectors WHERE chunk_key = ?", (key,)
            ).fetchone()
        marks = {"chunks": chunk, "documents": document.id, "vectors": vector and vector[0]}
        mark = marks[table]
        needle = mark.encode() if isinstance(mark, str) else bytes(mark or b"")[:64]
        pages = self._pages_of(table)
        return next(number for number, content in pages.items() if needle in content)

    def _overwrite(self, pages: list[tuple[int, bytes]]) -> None:
        size = self._page_bytes()
        self._write_out()
        overwrite_pages(self._database.file, size, pages)
        self._forget_cached_pages()

    def _forget_cached_pages(self) -> None:
        """Write a header value again: each connection drops the pages it has cached before.

        Otherwise reads succeed for as long as no one writes, from pages that are no longer there.
        """
        with (
            translate_errors(self._database.file),
            self._database.alone() as connection,
        ):
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            connection.execute(f"PRAGMA user_version = {version}")

    def _write_out(self) -> None:
        """Bring the log into the file, and let the service's connections read the file again."""
        with (
            translate_errors(self._database.file),
            self._database.alone() as connection,
        ):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _opened(self) -> "contextlib.closing[sqlite3.Connection]":
        file = self._database.file
        return contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30))


def _word(when: str, number: int) -> str:
    """Return a word that stands in that document of the drill only."""
    return f"{when}quorbl{'abcdefghijklmnop'[number]}"
