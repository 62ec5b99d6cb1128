"""Moves an installation from a PostgreSQL server back to SQLite."""

import shutil
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from trimtab.app.move import server as servers
from trimtab.app.move.context import MoveContext, RelocationResult, result_of, undone_on_failure
from trimtab.app.move.errors import RelocationRefused
from trimtab.app.move.proof import Prover
from trimtab.app.move.sides import Databases, open_postgresql, open_sqlite, settle
from trimtab.app.move.tables import TransferPlan, complete, copy, look, prove
from trimtab.infra.storage import DataDirectory
from trimtab.infra.storage.installation import (
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
_SECRETS = ("signing.key", "subjects.key")


class ToSqlite:
    """A move from the server of the settings to a data directory; see `trimtab.app.move.move`.

    Args:
        context: Options and dependencies.
        folder: The data directory.
        stack: Closes what is opened here.
    """

    def __init__(self, context: MoveContext, folder: Path, stack: ExitStack) -> None:
        url = context.settings.service.database_url
        if not url:
            raise RelocationRefused(
                "The installation is on SQLite already: service.database_url is not set.",
                hint="To move data back from PostgreSQL, set it to the database to leave.",
            )
        self._context, self._stack = context, stack
        self._directory = stack.enter_context(DataDirectory(folder))
        self._folder = self._directory.path
        self._incoming = self._folder / INCOMING
        direct_url = context.settings.service.database_direct_url
        self._server = server = servers.server_of(url, direct_url, context.settings)
        self._address = servers.public_address(server.url)
        server.check()
        servers.require_unused(server)
        self._source = open_postgresql(server, stack)
        self._row = InstallationStore(self._source["state"])
        admit(self._row, self._folder)
        stack.enter_context(servers.moving(server))
        own = self._row.get()
        _require_place(self._folder, own.id)
        _require_room(self._folder, servers.size_bytes(server))
        self._own = replace(own, state=InstallationState.ACTIVE, moved_to="")
        self._away = replace(own, moved_to=str(self._folder))
        self._prover = Prover(context.settings, context.clock, self._directory, context.progress)

    def run(self) -> RelocationResult:
        """Look, copy, prove and switch; a dry run only looks."""
        context, at = self._context, ""
        with undone_on_failure(self._undo), ExitStack() as opened:
            shutil.rmtree(self._incoming, ignore_errors=True)
            self._incoming.mkdir(mode=0o700)
            target = open_sqlite(self._incoming, opened)
            proof = self._prover.look(self._source)
            plan = look(self._source, target, "sqlite", context.progress)
            if not context.dry_run:
                self._copy(plan, target)
                proof = self._prover.prove(self._source, target, sqlite=target)
                at = self._arrive(plan, target)
                opened.close()
                settle(self._incoming)
        if context.dry_run:
            shutil.rmtree(self._incoming)
        else:
            with context.undisturbed():
                self._switch(at)
        result = result_of(self._address, str(self._folder), plan, proof)
        return replace(result, dry_run=context.dry_run)

    def _copy(self, plan: TransferPlan, target: Databases) -> None:
        context = self._context
        self._row.put(replace(self._away, state=InstallationState.LEAVING))
        # From now on no process is admitted. One that started meanwhile would continue to write.
        servers.require_unused(self._server)
        copy(plan, self._source, target, context.progress)
        complete(self._directory, self._source, target, context.progress)
        prove(plan, target, context.progress)

    def _arrive(self, plan: TransferPlan, target: Databases) -> str:
        """Write into the target what its first start will find; return the time of the move."""
        at = self._context.clock.now().isoformat()
        arrived = replace(self._own, moved_from=self._address, moved_at=at)
        InstallationStore(target["state"]).put(arrived)
        self._prover.record(target, arrived.id, plan.rows)
        return at

    def _switch(self, at: str) -> None:
        away = replace(self._away, moved_at=at)
        self._row.put(replace(away, state=InstallationState.RETURNING))
        write_note(self._folder, MovedNote("returning", self._address, at, away.id))
        finish_return(self._folder)
        self._row.put(replace(away, state=InstallationState.MOVED))

    def _undo(self) -> None:
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._row.put(self._own)


def _require_place(folder: Path, installation: str) -> None:
    """Refuse a directory that has another installation, or none of this one's secrets."""
    note = read_note(folder)
    if note is not None and note.installation != installation:
        raise RelocationRefused(
            f"{folder} is the data directory of another installation.",
            hint="Name the data directory that this installation uses.",
        )
    missing = [name for name in _SECRETS if not (folder / name).exists()]
    if missing:
        raise RelocationRefused(
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
