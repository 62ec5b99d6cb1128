"""Builds the adapter to the PostgreSQL server; without an address it reads nothing."""

from pathlib import Path

from trimtab.infra.background import PeriodicTask
from trimtab.infra.environment import Environment
from trimtab.infra.objects import open_copies
from trimtab.infra.settings import Settings
from trimtab.infra.storage.upkeep_results import UpkeepResults
from trimtab.kernel.clock import Clock
from trimtab.kernel.health import ComponentHealth, Status
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Action
from trimtab.postgresql.backup_actions import backup_actions
from trimtab.postgresql.backup_schedule import BackupSchedule
from trimtab.postgresql.backups import PostgresBackups
from trimtab.postgresql.care_actions import care_actions
from trimtab.postgresql.faults import faults
from trimtab.postgresql.parameter_actions import parameter_actions
from trimtab.postgresql.server import WatchedServer
from trimtab.postgresql.session_actions import session_actions
from trimtab.postgresql.signals import signals, upkeep_signal
from trimtab.postgresql.state import WatchedState
from trimtab.postgresql.upkeep import Upkeep

UPKEEP_TASK = "upkeep of PostgreSQL"
_UPKEEP_SECONDS = 3600.0
"""Interval at which tables that were not vacuumed for a day are searched."""


def actions(backups: PostgresBackups, clock: Clock) -> tuple[Action, ...]:
    """Return every action on the server."""
    server = backups.server
    return (
        *session_actions(server, clock),
        *parameter_actions(server, clock),
        *care_actions(server),
        *backup_actions(backups, clock),
    )


def watched_url(settings: Settings) -> str:
    """Return the address of the watched server; by default that of trimtab's own data."""
    own = settings.service.database_direct_url or settings.service.database_url
    return settings.postgresql.url or own.replace("postgresql+psycopg://", "postgresql://", 1)


def _backups(env: Environment, server: WatchedServer) -> PostgresBackups:
    folder = env.settings.postgresql.backup_folder
    default = env.directory.path / "backups" / "postgresql"
    copies = open_copies(env.settings.postgresql)
    return PostgresBackups(server, Path(folder) if folder else default, copies)


def build(env: Environment) -> Module:
    """Return the server of the settings with its signals, actions and faults."""
    server = WatchedServer(env.settings.postgresql, watched_url(env.settings), env.clock)
    state = WatchedState(server, env.clock)
    given = env.settings.postgresql
    backups = _backups(env, server)
    own = bool(env.settings.service.database_url) and not given.url
    schedule = BackupSchedule(backups, env.clock, own=own, leads=env.fleet.leads)
    upkeep = Upkeep(server, env.clock, UpkeepResults(env.state))
    published = (*actions(backups, env.clock), upkeep.action())
    measured = (*signals(state), upkeep_signal(upkeep), schedule.signal())
    if not server.configured:
        return Module(
            "postgresql",
            server,
            signals=measured,
            actions=published,
            faults=faults(server),
        )
    seconds = env.settings.postgresql.refresh_seconds
    # A thread of its own: the server may be slow to answer.
    task = PeriodicTask("read PostgreSQL", state.refresh, seconds, env.clock)

    # Vacuum may take long, so it does not wait for the reads, nor they for it.
    regular = PeriodicTask(UPKEEP_TASK, upkeep.run, _UPKEEP_SECONDS, env.clock, at_once=False)

    tasks = [task, regular, *([schedule.task] if schedule.enabled else [])]

    def health() -> ComponentHealth:
        if state.problem:
            return ComponentHealth(Status.DEGRADED, state.problem)
        return ComponentHealth(Status.UP)

    return Module(
        "postgresql",
        server,
        signals=measured,
        actions=published,
        faults=faults(server),
        health=(("postgresql", health),),
        tasks=tuple(tasks),
        start=tuple(each.start for each in tasks),
        close=(*(each.close for each in tasks), server.close),
    )
