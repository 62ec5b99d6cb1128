"""Moves an installation from SQLite to a PostgreSQL server."""

from contextlib import ExitStack
from dataclasses import replace

from trimtab.app.move import server as servers
from trimtab.app.move.context import MoveContext, MoveResult, result_of, undone_on_failure
from trimtab.app.move.errors import MoveRefused
from trimtab.app.move.proof import Prover
from trimtab.app.move.sides import open_postgresql, open_sqlite, require_current
from trimtab.app.move.tables import copy, look, prove
from trimtab.infra.storage import DataDirectory
from trimtab.infra.storage.installation import (
    InstallationState,
    InstallationStore,
    MovedNote,
    require_local,
    write_note,
)


def move_to_server(context: MoveContext, url: str, closing: ExitStack) -> MoveResult:
    """Move from the data directory to a server; see `trimtab.app.move.move`."""
    service = context.settings.service
    if service.database_url:
        raise MoveRefused(
            "The installation is on PostgreSQL already: service.database_url is set.",
            hint="Copy it to another server with PostgreSQL's own tools, or unset the setting.",
        )
    directory = closing.enter_context(DataDirectory(service.data_dir))
    folder = directory.path
    require_local(folder)
    require_current(folder)
    server = servers.server_of(url, "", context.settings)
    server.check()
    closing.enter_context(servers.moving(server))
    servers.require_unused(server)
    source = open_sqlite(folder, closing)
    own = InstallationStore(source["state"]).get()
    servers.require_free(server, own.id, str(folder))
    address = servers.public_address(url)
    prover = Prover(context.settings, context.clock, directory, context.progress)
    seen = prover.look(source)
    plan = look(source, source, "postgresql", context.progress, context.transform)
    if context.dry_run:
        return result_of(str(folder), address, plan, seen, dry_run=True)
    with undone_on_failure(lambda: servers.clear(server)):
        servers.clear(server)
        target = open_postgresql(server, closing)
        row = InstallationStore(target["state"])
        here = replace(own, moved_from=str(folder), moved_to="")
        row.put(replace(here, state=InstallationState.COPYING))
        copy(plan, source, target, context.progress)
        prove(plan, target, context.progress)
        proof = prover.prove(source, target, sqlite=source)
    here = replace(here, moved_at=context.clock.now().isoformat())
    with context.undisturbed():
        row.put(replace(here, state=InstallationState.PROVEN))
        write_note(folder, MovedNote("moved", address, here.moved_at, own.id))
        row.put(replace(here, state=InstallationState.ACTIVE))
        prover.record(target, own.id, plan.rows)
    return result_of(str(folder), address, plan, proof, dry_run=False)
