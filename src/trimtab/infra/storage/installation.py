"""Location of an installation's data: a row in its database, a note in the directory it left.

A move copies everything to the other engine and then changes one file of the data directory, which
alone decides: before that the old side is the truth, after it the new one. The row on PostgreSQL
follows; a start completes what a killed move left undone.

============================  =====================  ================================
step                          ``moved.json``         row on PostgreSQL
============================  =====================  ================================
to PostgreSQL: copy, proof    none                   ``copying``, then ``proven``
switch                        ``moved``              ``proven``, then ``active``
back: copy, proof             ``moved``              ``leaving``
switch                        ``returning``          ``returning``, then ``moved``
files are put in place        none                   ``moved``
============================  =====================  ================================
"""

import json
import os
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa

from trimtab.infra.storage.database import Database
from trimtab.infra.storage.errors import InstallationMoved, MoveUnfinished, TwoInstallations
from trimtab.infra.storage.sqlite.database import translate_errors

CHAIN = "installation"
NOTE = "moved.json"
INCOMING = "moving"
"""Folder of the databases that a move back makes; they are put in place by `finish_return`."""
DATABASES = ("state.db", "knowledge.db", "models.db")
_JOBS = "jobs.db"
_BESIDE = ("", "-wal", "-shm", "-commits", "-sums")
MOVE_LOCK = 0x7472696D6D6F7665
"""Key of the advisory lock that a move holds while it runs."""

_table = sa.table(
    "installation",
    *map(sa.column, ("key", "id", "state", "moved_from", "moved_to", "moved_at")),
)


class InstallationState(StrEnum):
    """State that says whether a database may be used."""

    ACTIVE = "active"
    COPYING = "copying"
    """A move to here is under way, or was killed."""
    PROVEN = "proven"
    """A move to here has only its last step left, or was killed in it."""
    LEAVING = "leaving"
    """A move from here is under way, or was killed."""
    RETURNING = "returning"
    """A move from here has only its last step left, or was killed in it."""
    MOVED = "moved"
    """The data went elsewhere."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Identity of an installation; a move keeps it.

    Attributes:
        id: Random, made with the first database.
        state: Of this database.
        moved_from: Where the data came from; empty when it was made here.
        moved_to: Where the data went, or is going.
        moved_at: When, ISO 8601.
    """

    id: str
    state: InstallationState
    moved_from: str = ""
    moved_to: str = ""
    moved_at: str = ""


class InstallationStore:
    """The row of an installation.

    Args:
        database: With the chain ``installation``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self) -> Installation:
        """Return the row."""
        columns = [column for column in _table.c if column.name != "key"]
        with self._database.read() as connection:
            row = connection.execute(sa.select(*columns)).one()
        return Installation(row.id, InstallationState(row.state), *row[2:])

    def put(self, installation: Installation) -> None:
        """Write the row, durable on return."""
        with self._database.write() as connection:
            connection.execute(sa.update(_table).values(**asdict(installation)))

    def is_moving(self) -> bool:
        """Return whether a move of this PostgreSQL database runs now."""
        with self._database.write() as connection:
            free = connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(MOVE_LOCK)))
        return not free


@dataclass(frozen=True, slots=True)
class MovedNote:
    """Content of ``moved.json``.

    Attributes:
        state: ``moved``, or ``returning`` while the files of a move back are put in place.
        to: Address of the database, without a password.
        at: When, ISO 8601.
        installation: Its id.
    """

    state: str
    to: str
    at: str
    installation: str


def read_note(folder: Path) -> MovedNote | None:
    """Return the note of a data directory, or None when nothing was moved away."""
    file = folder / NOTE
    if not file.exists():
        return None
    try:
        return MovedNote(**json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InstallationMoved(
            f"{file} cannot be read, so it is not known where the data of {folder} is.",
            hint="It is on PostgreSQL if it was moved: name it in service.database_url.",
        ) from error


def write_note(folder: Path, note: MovedNote) -> None:
    """Write the note, durable on return: the step that decides a move."""
    file = folder / NOTE
    partial = folder / f".{NOTE}.new"
    with translate_errors(file):
        handle = os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(note), indent=2) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
        _sync(folder)


def require_local(folder: Path) -> None:
    """Refuse to use the SQLite databases of a directory whose data went elsewhere.

    Raises:
        InstallationMoved: It says where the data is and how to go back.
    """
    note = finish_return(folder)
    if note is not None:
        raise InstallationMoved(
            f"The data of {folder} was moved to {note.to} on {note.at[:10]}.",
            hint="Set service.database_url to that address (with its password); with it,"
            " `trimtab move-to sqlite:` moves the data back.",
        )


def admit(store: InstallationStore, folder: Path) -> None:
    """Refuse a PostgreSQL database that does not hold the truth; complete a killed last step.

    Args:
        store: On PostgreSQL.
        folder: The data directory of this process.

    Raises:
        MoveUnfinished: A move to or from there did not finish.
        InstallationMoved: The data was moved away.
        TwoInstallations: The directory has databases of its own.
    """
    note, found = finish_return(folder), store.get()
    is_left = note is not None and note.installation == found.id
    if (folder / DATABASES[0]).exists() and note is None:
        _refuse_local(store, found, folder)
    undecided = found.state is InstallationState.RETURNING and (
        # The note still says that the data is there.
        is_left or found.moved_to == str(folder)
    )
    if undecided or (found.state is InstallationState.PROVEN and is_left):
        store.put(replace(found, state=InstallationState.ACTIVE, moved_to=""))
    elif found.state is InstallationState.LEAVING:
        _stay(store, found)
    elif found.state is not InstallationState.ACTIVE:
        raise _unusable(found)


def _unusable(found: Installation) -> InstallationMoved | MoveUnfinished:
    """Return why the database does not hold the truth, or may not."""
    if found.state is InstallationState.MOVED:
        return _gone(found)
    if found.state is InstallationState.RETURNING:
        return MoveUnfinished(
            f"A move of this database to {found.moved_to} did not finish.",
            hint="Start trimtab once with that data directory, or repeat the move.",
        )
    return MoveUnfinished(
        f"The move of {found.moved_from} to this database did not finish.",
        hint="Start without service.database_url: the data is where it was."
        " `trimtab move-to` begins again.",
    )


def _stay(store: InstallationStore, found: Installation) -> None:
    """Use the database after a move from it was killed; refuse while one runs."""
    if store.is_moving():
        raise MoveUnfinished(
            f"This database is being moved to {found.moved_to}.",
            hint="Wait for the move, or end it with Ctrl-C.",
        )
    store.put(replace(found, state=InstallationState.ACTIVE, moved_to=""))


def _refuse_local(store: InstallationStore, found: Installation, folder: Path) -> None:
    """Raise the reason why the directory's own databases and PostgreSQL do not go together."""
    if found.moved_to == str(folder) and found.state in (
        InstallationState.RETURNING,
        InstallationState.MOVED,
    ):
        # The files are in place, so the move back had decided.
        store.put(replace(found, state=InstallationState.MOVED))
        raise _gone(found)
    if found.moved_from == str(folder) and found.state in (
        InstallationState.COPYING,
        InstallationState.PROVEN,
    ):
        return
    raise TwoInstallations(
        f"The data directory {folder} holds an installation on SQLite, and service.database_url"
        " names another one.",
        hint="`trimtab move-to postgresql://...` moves it to an empty database; or name another"
        " data directory.",
    )


def _gone(found: Installation) -> InstallationMoved:
    return InstallationMoved(
        f"The data of this database was moved to {found.moved_to} on {found.moved_at[:10]}.",
        hint="Start with that data directory and without service.database_url.",
    )


def finish_return(folder: Path) -> MovedNote | None:
    """Finish putting the files of an interrupted move back in place; return its note.

    The former files are deleted: they are older, and would keep what was erased since then.
    """
    note = read_note(folder)
    if note is None or note.state != "returning":
        return note
    incoming = folder / INCOMING
    with translate_errors(folder):
        # Jobs are made again from the stores; the former ones are older than the data.
        _remove(folder, _JOBS)
        for name in DATABASES:
            if (incoming / name).exists():
                # Its log and sums belong to the former file and would damage the new one.
                _remove(folder, name)
                (incoming / name).replace(folder / name)
        for left in incoming.iterdir() if incoming.exists() else ():
            left.unlink()
        if incoming.exists():
            incoming.rmdir()
        _sync(folder)
        (folder / NOTE).unlink()
        _sync(folder)
    return None


def _remove(folder: Path, name: str) -> None:
    """Delete a database with the files next to it."""
    for beside in _BESIDE:
        (folder / f"{name}{beside}").unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Make the entries of a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
