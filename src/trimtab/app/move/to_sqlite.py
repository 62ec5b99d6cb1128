"""Moves an installation from a PostgreSQL server back to SQLite."""

import shutil
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from trimtab.app.move import server as servers
from trimtab.app.move.context import MoveContext, MoveResult, result_of, undone_on_failure
from trimtab.app.move.errors import MoveRefused
from trimtab.app.move.proof import Prover
from trimtab.app.move.sides import open_postgresql, open_sqlite, settle
from trimtab.app.move.tables import copy, look, prove
from trimtab.infra.storage import DataDirectory
from trimtab.infra.storage.installation import (
    DATABASES,
    INCOMING,
    InstallationState,
    InstallationStore,
    MovedNote,
    admit,
    finish_return,
    read_note,
    write_note,
)
from trimtab.kernel.errors import StorageFull

_SPARE_BYTES = 32 * 1024 * 1024
_SECRETS = ("signing.key", "subjects.secret")


def move_to_sqlite(context: MoveContext, folder: Path, closing: ExitStack) -> MoveResult:
    """Move from the server of the settings to a data directory; see `trimtab.app.move.move`."""
    service = context.settings.service
    if not service.database_url:
        raise MoveRefused(
            "The installation is on SQLite already: service.database_url is not set.",
            hint="To move data back from PostgreSQL, set it to the database to leave.",
        )
    directory = closing.enter_context(DataDirectory(folder))
    folder = directory.path
    server = servers.server_of(service.database_url, service.database_direct_url, context.settings)
    server.check()
    servers.require_unused(server)
    source = open_postgresql(server, closing)
    row = InstallationStore(source["state"])
    admit(row, folder)
    closing.enter_context(servers.moving(server))
    own = row.get()
    _require_place(folder, own.id)
    _require_room(folder, servers.size_bytes(server))
    address = servers.public_address(service.database_url)
    incoming = folder / INCOMING
    here = replace(own, state=InstallationState.ACTIVE, moved_to="")
    leaving = replace(own, moved_to=str(folder))

    def undo() -> None:
        shutil.rmtree(incoming, ignore_errors=True)
        row.put(here)

    with undone_on_failure(undo):
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir(mode=0o700)
        opened = closing.enter_context(ExitStack())
        target = open_sqlite(incoming, opened)
        prover = Prover(context.settings, context.clock, directory, context.progress)
        seen = prover.look(source)
        plan = look(source, target, "sqlite", context.progress, None)
        if context.dry_run:
            opened.close()
            shutil.rmtree(incoming)
            return result_of(address, str(folder), plan, seen, dry_run=True)
        row.put(replace(leaving, state=InstallationState.LEAVING))
        copy(plan, source, target, context.progress)
        prove(plan, target, context.progress)
        proof = prover.prove(source, target, sqlite=target)
        at = context.clock.now().isoformat()
        InstallationStore(target["state"]).put(replace(here, moved_from=address, moved_at=at))
        prover.record(target, own.id, plan.rows)
        opened.close()
        settle(incoming)
    leaving = replace(leaving, moved_at=at)
    with context.undisturbed():
        row.put(replace(leaving, state=InstallationState.RETURNING))
        write_note(folder, MovedNote("returning", address, at, own.id))
        finish_return(folder)
        row.put(replace(leaving, state=InstallationState.MOVED))
    return result_of(address, str(folder), plan, proof, dry_run=False)


def _require_place(folder: Path, installation: str) -> None:
    """Refuse a directory that has another installation, or none of this one's secrets."""
    note = read_note(folder)
    if note is not None and note.installation != installation:
        raise MoveRefused(
            f"{folder} is the data directory of another installation.",
            hint="Name the data directory that this installation uses.",
        )
    missing = [name for name in _SECRETS if not (folder / name).exists()]
    if missing:
        raise MoveRefused(
            f"{folder} does not have {missing[0]}, without which the data cannot be used.",
            hint="Name the data directory of a process of this installation.",
        )


def _require_room(folder: Path, needed: int) -> None:
    """Refuse a disk on which the databases do not fit.

    Raises:
        StorageFull: It says how much is missing.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE_BYTES:
        raise StorageFull(
            f"The disk of {folder} has {free // 1024**2} MB left; the data takes about"
            f" {needed // 1024**2} MB.",
            hint="Free space there, or name another data directory. The data stays on PostgreSQL.",
        )
