"""Moves an installation from SQLite to a PostgreSQL server."""

from contextlib import ExitStack
from dataclasses import replace

from trimtab.app.move import server as servers
from trimtab.app.move.context import MoveContext, RelocationResult, result_of, undone_on_failure
from trimtab.app.move.errors import RelocationRefused
from trimtab.app.move.proof import Prover
from trimtab.app.move.sides import Databases, open_postgresql, open_sqlite, require_current
from trimtab.app.move.tables import TransferPlan, complete, copy, look, prove
from trimtab.infra.storage import DataDirectory
from trimtab.infra.storage.installation import (
    InstallationState,
    InstallationStore,
    MovedNote,
    require_local,
    write_note,
)


class ToServer:
    """A move from the data directory to a server; see `trimtab.app.move.move`.

    Args:
        context: Options and dependencies.
        url: Address of the server.
        stack: Closes what is opened here.
    """

    def __init__(self, context: MoveContext, url: str, stack: ExitStack) -> None:
        service = context.settings.service
        if service.database_url:
            raise RelocationRefused(
                "The installation is on PostgreSQL already: service.database_url is set.",
                hint="Copy it to another server with PostgreSQL's own tools, or unset the setting.",
            )
        self._context, self._stack = context, stack
        self._directory = stack.enter_context(DataDirectory(service.data_dir))
        self._folder = self._directory.path
        require_local(self._folder)
        require_current(self._folder)
        self._server = servers.server_of(url, "", context.settings)
        self._address = servers.public_address(self._server.url)
        self._server.check()
        stack.enter_context(servers.moving(self._server))
        servers.require_unused(self._server)
        self._source = open_sqlite(self._folder, stack)
        own = InstallationStore(self._source["state"]).get()
        servers.require_free(self._server, own.id, str(self._folder))
        self._own = replace(own, moved_from=str(self._folder), moved_to="")
        self._prover = Prover(context.settings, context.clock, self._directory, context.progress)

    def run(self) -> RelocationResult:
        """Look, copy, prove and switch; a dry run only looks."""
        context, source = self._context, self._source
        proof = self._prover.look(source)
        plan = look(source, source, "postgresql", context.progress, context.transform)
        if not context.dry_run:
            with undone_on_failure(lambda: servers.clear(self._server)):
                target = self._copy(plan)
                proof = self._prover.prove(source, target, sqlite=source)
            with context.undisturbed():
                self._switch(target, plan)
        result = result_of(str(self._folder), self._address, plan, proof)
        return replace(result, dry_run=context.dry_run)

    def _copy(self, plan: TransferPlan) -> Databases:
        context = self._context
        servers.clear(self._server)
        target = open_postgresql(self._server, self._stack)
        state = InstallationState.COPYING
        InstallationStore(target["state"]).put(replace(self._own, state=state))
        copy(plan, self._source, target, context.progress)
        complete(self._directory, self._source, target, context.progress)
        prove(plan, target, context.progress)
        return target

    def _switch(self, target: Databases, plan: TransferPlan) -> None:
        at = self._context.clock.now().isoformat()
        arrived, row = replace(self._own, moved_at=at), InstallationStore(target["state"])
        row.put(replace(arrived, state=InstallationState.PROVEN))
        write_note(self._folder, MovedNote("moved", self._address, at, arrived.id))
        row.put(replace(arrived, state=InstallationState.ACTIVE))
        self._prover.record(target, arrived.id, plan.rows)
