"""Environment of a process: settings, data directory and shared infrastructure."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from trimtab import __version__
from trimtab.infra.audit import Audit
from trimtab.infra.auth import Keys
from trimtab.infra.changes import ChangeLog
from trimtab.infra.dependencies import Dependencies
from trimtab.infra.fleet import Fleet, ProcessIdentity
from trimtab.infra.jobs import Jobs
from trimtab.infra.jobs.opening import OpeningJobs
from trimtab.infra.key_bootstrap import make_first_key, parse_key_roles, seed
from trimtab.infra.settings import Settings
from trimtab.infra.signing import Signer
from trimtab.infra.storage import Database, DataDirectory, SqliteDatabase
from trimtab.infra.storage.installation import InstallationStore, admit, require_local
from trimtab.infra.storage.secret_registry import SecretRegistry
from trimtab.infra.telemetry import new_registry
from trimtab.infra.valkey import Valkey, open_valkey
from trimtab.kernel.clock import Clock
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health
from trimtab.kernel.ids import new_id

if TYPE_CHECKING:
    from trimtab.infra.storage.postgresql import PostgresServer

STATE_CHAINS = (
    "state",
    "incidents",
    "answers",
    "review",
    "evaluation",
    "notify",
    "calendar",
    "installation",
)
"""The chains of migrations of the state database; its file is older than the split by domain."""
STATE_FILE = "state.db"


_NEVER_PAUSED = frozenset({"incidents.run"})
"""Incidents continue in maintenance mode."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Settings and infrastructure of one process; each domain receives them in `build`.

    Attributes:
        settings: All settings of this start.
        directory: The exclusively held data directory.
        clock: Of the process.
        events: Publishes between domains.
        health: Components of ``/health``.
        registry: What Prometheus scrapes.
        state: The database of every domain but knowledge.
        audit: The audit chain.
        keys: API keys.
        signer: Signs certificates and checkpoints.
        changes: Releases, settings and run-time configuration that changed.
        dependencies: Circuit breakers of the services outside.
        fleet: The processes on the same database; this process alone on SQLite.
        jobs: Durable jobs. Domains register bodies in `build`; the start launches them.
        valkey: The server that several processes share; None without a configured one.
        first_key: The file of the admin key that this start made; None at later starts.
        postgres: The server of all databases; None with SQLite.
    """

    settings: Settings
    directory: DataDirectory
    clock: Clock
    events: Events
    health: Health
    registry: CollectorRegistry
    state: Database
    audit: Audit
    keys: Keys
    signer: Signer
    changes: ChangeLog
    dependencies: Dependencies
    fleet: Fleet
    jobs: OpeningJobs
    valkey: Valkey | None = None
    first_key: Path | None = None
    postgres: "PostgresServer | None" = None


def open_environment(settings: Settings, clock: Clock, closing: ExitStack) -> Environment:
    """Open the data directory and the state database, and make the first key of a new directory.

    Args:
        settings: Name the directory.
        clock: Of the process.
        closing: Closes what is opened here, also when this raises.

    Raises:
        TrimtabError: The data directory cannot be used, or something in it is broken or too new.
    """
    dependencies = Dependencies(clock)
    valkey = open_valkey(settings.service.valkey_url, dependencies)
    if valkey is not None:
        closing.callback(valkey.close)
    postgres = _postgres(settings)
    directory, state = _open_state(settings, postgres, closing)
    fleet = _open_fleet(settings, clock, postgres)
    closing.callback(fleet.close)
    audit = Audit(state, clock)
    keys = Keys(state, clock, audit, shared=fleet.shared)
    first_key = make_first_key(keys, directory)
    seed(keys, parse_key_roles(settings.trust.api_key_roles))

    def open_jobs() -> Jobs:
        if postgres is None:
            return _durable_jobs(directory.file("jobs.db"), clock, "local")
        return _durable_jobs(postgres, clock, fleet.me.id)

    return Environment(
        settings=settings,
        directory=directory,
        clock=clock,
        events=Events(),
        health=Health(clock),
        registry=new_registry(),
        state=state,
        audit=audit,
        keys=keys,
        signer=Signer.of(directory),
        changes=ChangeLog(clock, state),
        dependencies=dependencies,
        fleet=fleet,
        jobs=OpeningJobs(open_jobs, _NEVER_PAUSED),
        valkey=valkey,
        first_key=first_key,
        postgres=postgres,
    )


def _open_state(
    settings: Settings, postgres: "PostgresServer | None", closing: ExitStack
) -> tuple[DataDirectory, Database]:
    directory = DataDirectory(settings.service.data_dir, shared=postgres is not None)
    closing.callback(directory.close)
    if postgres is None:
        require_local(directory.path)
    state = _state(directory, postgres)
    closing.callback(state.close)
    if postgres is not None:
        admit(InstallationStore(state), directory.path)
        directory.secrets = SecretRegistry(state)
    return directory, state


def _postgres(settings: Settings) -> "PostgresServer | None":
    given = settings.service
    if not given.database_url:
        return None
    # Imported late: the driver is slow to import, and most installations have no server.
    from trimtab.infra.storage.postgresql import PostgresServer

    return PostgresServer(
        given.database_url,
        direct_url=given.database_direct_url,
        pool_size=given.database_connections,
        allow_unsafe=given.allow_unsafe_database,
    )


def _state(directory: DataDirectory, postgres: "PostgresServer | None") -> Database:
    if postgres is None:
        return SqliteDatabase(directory.file(STATE_FILE), STATE_CHAINS, page_sums=True)
    from trimtab.infra.storage.postgresql import PostgresDatabase

    return PostgresDatabase(postgres, "state", STATE_CHAINS)


def _open_fleet(settings: Settings, clock: Clock, postgres: "PostgresServer | None") -> Fleet:
    me = ProcessIdentity.of_this_process(
        new_id("process", clock.now()), ",".join(settings.service.roles), __version__
    )
    if postgres is None:
        return Fleet(me, None, clock)
    from trimtab.infra.fleet.store import open_store

    return Fleet(me, open_store(postgres, me), clock)


def _durable_jobs(store: "Path | PostgresServer", clock: Clock, executor_id: str) -> Jobs:
    # The engine takes longer to import than everything else together; `OpeningJobs` calls this in a
    # thread.
    from trimtab.infra.jobs.durable import DurableJobs

    return DurableJobs(store, clock, executor_id)
