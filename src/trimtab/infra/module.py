"""Builds the modules of the infrastructure that every process has."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import trimtab
from trimtab.infra.audit_anchor import RetryingAnchor, anchor_of
from trimtab.infra.audit_files import AuditFiles
from trimtab.infra.changes import actions as change_actions
from trimtab.infra.changes import signals as change_signals
from trimtab.infra.database_catalog import actions as database_actions
from trimtab.infra.database_catalog import faults as database_faults
from trimtab.infra.database_catalog import signals as database_signals
from trimtab.infra.disk_load import DiskLoad
from trimtab.infra.environment import Environment
from trimtab.infra.error_reports import ErrorReports, check_addresses
from trimtab.infra.fleet.recovery import JobRecovery
from trimtab.infra.fleet.signals import signals as fleet_signals
from trimtab.infra.maintenance import MaintenanceMode
from trimtab.infra.maintenance_catalog import actions as maintenance_actions
from trimtab.infra.maintenance_catalog import signals as maintenance_signals
from trimtab.infra.objects import Objects, ObjectsUnavailable, copy_new_files, open_objects
from trimtab.infra.process_metrics import ProcessMetrics
from trimtab.infra.provider_probes import ProviderProbes
from trimtab.infra.response_history import ResponseHistory
from trimtab.infra.restarts import Restarts
from trimtab.infra.scheduler import Scheduler
from trimtab.infra.settings.digest import digests
from trimtab.infra.storage import Database, DiskReserve, SqliteDatabase, losses
from trimtab.infra.storage.sqlite.upkeep import FileUpkeep, upkeep_action
from trimtab.infra.storage.upkeep_results import UpkeepResults
from trimtab.infra.system_config import SystemConfig
from trimtab.infra.telemetry.query_texts import forget_queries
from trimtab.infra.valkey.dump_actions import ValkeyBackups
from trimtab.infra.valkey.dump_copies import DumpCopies
from trimtab.infra.valkey.signals import signals as valkey_signals
from trimtab.infra.web.sessions import session_secret
from trimtab.kernel.clock import Clock
from trimtab.kernel.health import ComponentHealth, Status
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Catalog, Sample, Signal
from trimtab.kernel.personal_data import ErasureStep
from trimtab.kernel.tasks import ScheduledTask

_COPY_SECONDS = 300.0
_CONFIG_SECONDS = 10.0


def build_storage(env: Environment) -> Module:
    """Return the state database and the disk space that is kept back for repairs."""

    def health() -> ComponentHealth:
        with env.state.read() as connection:
            connection.exec_driver_sql("SELECT 1")
        engine = {"engine": env.state.engine.dialect.name}
        return losses(env.state) or ComponentHealth(Status.UP, facts=engine)

    reserve = DiskReserve(env.directory.path)
    return Module(
        "storage",
        env.state,
        health=(("database", health),),
        scheduled=(ScheduledTask("keep disk space back", 1.0, reserve.look, each_process=True),),
    )


def build_fleet(env: Environment) -> Module:
    """Return the fleet; its start joins it, and its close, the last of all, leaves it."""
    fleet = env.fleet
    return Module(
        "fleet",
        fleet,
        signals=fleet_signals(fleet),
        health=(("fleet", fleet.health),) if fleet.shared else (),
        tasks=(fleet.task,) if fleet.shared else (),
        start=(fleet.start,),
        close=(fleet.close,),
    )


def build_maintenance(env: Environment) -> Module:
    """Return maintenance mode as it was when the last process ended."""
    folder, settings = env.directory.path, env.settings.service
    maintenance = MaintenanceMode(settings, folder, env.clock, env.health)
    mounted = Path(settings.config_dir) if settings.config_dir else None
    config = SystemConfig(mounted, folder, maintenance, env.changes)
    look = ScheduledTask("apply system-config", _CONFIG_SECONDS, config.look, each_process=True)
    env.jobs.pause.when(lambda: maintenance.on)
    env.fleet.share("service.maintenance", lambda: asdict(maintenance.state), maintenance.restore)
    env.fleet.share("service.system_config", lambda: config.applied, config.adopt)
    return Module(
        "maintenance",
        maintenance,
        signals=maintenance_signals(maintenance),
        actions=maintenance_actions(maintenance),
        scheduled=(look,) if mounted else (),
        start=(config.look,),
    )


def build_restarts(env: Environment) -> Module:
    """Return the restart of the whole service, which serving allows."""
    restarts = Restarts(env.directory.path)
    return Module("restarts", restarts, actions=(restarts.action(),))


def build_dependencies(env: Environment) -> Module:
    """Return the circuit breakers of the services outside."""
    return Module("dependencies", env.dependencies, signals=env.dependencies.signals())


def build_valkey(env: Environment) -> Module:
    """Return the connection to the Valkey server with its dumps; none without a configured one."""
    valkey = env.valkey
    copies = None if valkey is None else DumpCopies.of(env.settings.postgresql)
    backups = ValkeyBackups(valkey, env.settings.service, env.directory.path, copies)
    if valkey is None:
        return Module("valkey", None, signals=(backups.signal(),), actions=backups.actions())
    task = backups.task(env.clock)
    return Module(
        "valkey",
        valkey,
        signals=(*valkey_signals(valkey, env.clock), backups.signal()),
        actions=backups.actions(),
        health=(("valkey", valkey.health),),
        tasks=(task,) if task else (),
        start=(task.start,) if task else (),
        close=(task.close,) if task else (),
    )


def build_provider_probes(env: Environment) -> Module:
    """Return the probes of outside providers; without configured addresses none is made."""
    service = env.settings.service
    probes = ProviderProbes(service.provider_probes)
    seconds = service.provider_probe_seconds
    look = ScheduledTask("probe the providers", seconds, probes.probe, each_process=True)
    scheduled = (look,) if service.provider_probes else ()
    return Module("providers", probes, signals=probes.signals(), scheduled=scheduled)


def build_error_reports(env: Environment) -> Module:
    """Return the reports of errors to Sentry; nothing when no address is set."""
    tools = env.settings.tools
    check_addresses(tools)
    if not tools.sentry_dsn:
        return Module("error reports", None)
    reports = ErrorReports(tools)
    return Module("error reports", reports, start=(reports.start,), close=(reports.close,))


def build_process(env: Environment, databases: Iterable[Database]) -> Module:
    """Return the metrics and logs of the process; it audits its start and its orderly end.

    Args:
        env: Of the process.
        databases: Opened at this start; what each of them had lost is recorded.
    """
    process = env.fleet.me.id if env.fleet.shared else ""
    process_metrics = ProcessMetrics(env.audit, env.clock, process=process)
    ended = ExitStack()

    def start() -> None:
        process_metrics.record_start(trimtab.__version__, tuple(databases))
        # Registered here, because a process that never started records no stop.
        ended.callback(process_metrics.record_stop)

    # A log line does not name the user: all query texts are erased, and none is counted.
    logs = env.directory.folder("logs")
    queries = ErasureStep("logs.queries", lambda _: 0, lambda _: forget_queries(logs))
    env.fleet.on_forget("logs.queries", lambda: forget_queries(logs))
    return Module(
        "process",
        process_metrics,
        signals=(*process_metrics.signals(), *DiskLoad(env.clock).signals()),
        personal_data=(queries,),
        start=(start,),
        close=(ended.close,),
    )


@dataclass(frozen=True, slots=True)
class Databases:
    """The databases of the process, for reports on their queries."""

    all: tuple[Database, ...]
    upkeep: UpkeepResults


def build_databases(databases: tuple[Database, ...], clock: Clock) -> Module:
    """Return the reports on running and slow queries, and the upkeep of SQLite files."""
    results = UpkeepResults(databases[0])
    files = [each for each in databases if isinstance(each, SqliteDatabase)]
    upkeep = FileUpkeep(files, results, clock)
    age = Signal(
        "service.database.upkeep_age",
        "seconds",
        "Time since the last regular vacuum, index maintenance and query review of a file.",
        upkeep.ages,
        ("database",),
        "db_upkeep_age_seconds",
    )
    return Module(
        "databases",
        Databases(databases, results),
        signals=(*database_signals(databases, clock), age),
        actions=(*database_actions(databases, clock), upkeep_action(results)),
        faults=database_faults(databases[0]),
        tasks=(upkeep.task,) if files else (),
        start=(upkeep.task.start,) if files else (),
        close=(upkeep.task.close,) if files else (),
    )


def build_queues(depths: Mapping[str, Callable[[], float]]) -> Module:
    """Return the depth of each queue of the platform.

    Args:
        depths: Returns how many entries wait, by the queue's name.
    """

    def samples() -> list[Sample]:
        return [Sample(read(), {"queue": name}) for name, read in depths.items()]

    depth = Signal(
        "service.queue.depth",
        "entries",
        "What waits in each queue of the platform: requests, notifications, feedback.",
        samples,
        ("queue",),
    )
    return Module("queues", depths, signals=(depth,))


def build_audit(env: Environment) -> Module:
    """Return the files of the audit chain, which the scheduler seals."""
    trust = env.settings.trust
    folder = env.directory.folder("audit_logs") / "local"
    anchor = anchor_of(trust.audit_anchor)
    if anchor is not None:
        anchor = RetryingAnchor(anchor, env.dependencies)
    files = AuditFiles(folder, env.audit, env.signer, anchor)
    seconds = trust.audit_checkpoint_minutes * 60
    scheduled = [ScheduledTask("seal the audit chain", seconds, files.seal)]
    if trust.audit_copies:
        copies = open_objects(trust.audit_copies, trust.audit_copies_endpoint)
        copy = partial(_copy_audit_files, env, folder, copies)
        scheduled.append(ScheduledTask("copy the audit files", _COPY_SECONDS, copy))
    return Module("audit", files, scheduled=tuple(scheduled))


def _copy_audit_files(env: Environment, folder: Path, copies: Objects) -> int:
    """Copy the new files, behind the breaker of the bucket."""
    return env.dependencies.call(
        "audit copies", lambda: copy_new_files(folder, copies), ObjectsUnavailable
    )


def build_changes(
    env: Environment, catalog: Callable[[], Catalog], recent_errors: Callable[[], int]
) -> Module:
    """Return the recorded changes; a start with another release or other settings adds one.

    Args:
        env: Of the process.
        catalog: Returns the catalog, whose actions undo a change; it is complete only later.
        recent_errors: Returns the failed questions of the last two minutes, noted at the end.
    """
    changes, ended = env.changes, ExitStack()

    def start() -> None:
        secret = session_secret(env.directory)  # Digests of settings tell nothing without it.
        settings = digests(env.settings, secret)
        # A restart names the port that was free at the first start: no one changed the setting.
        settings.pop("service.port")
        for change in changes.note_start(trimtab.__version__, settings):
            env.audit.append("trimtab", f"service.{change.kind}_changed", change.action)
        ended.callback(lambda: changes.note_stop(recent_errors()))

    return Module(
        "changes",
        changes,
        signals=change_signals(changes),
        actions=change_actions(changes, catalog),
        start=(start,),
        close=(ended.close,),
    )


def build_response_history(env: Environment, recent: Callable[[], tuple[float, int]]) -> Module:
    """Return the normal response time of each hour of the day.

    Args:
        env: Of the process.
        recent: Returns the p99 of the last minutes' requests in milliseconds, and how many there
            were.
    """
    history = ResponseHistory(env.state, env.clock, recent)
    return Module(
        "response_history",
        history,
        signals=history.signals(),
        scheduled=(ScheduledTask("note response times", 60.0, history.note),),
    )


def build_jobs(env: Environment, resume: Callable[[], None]) -> Module:
    """Return the durable jobs; every body is registered by now.

    Args:
        env: Of the process.
        resume: Called when the engine is open, in its thread.
    """
    return Module(
        "jobs",
        env.jobs,
        health=(("jobs", env.jobs.health),),
        start=(lambda: env.jobs.launch(then=resume),),
        close=(env.jobs.close,),
    )


def build_recovery(env: Environment) -> Module:
    """Return what continues the jobs of lost processes; nothing runs where there is one process."""
    recovery = JobRecovery(env.fleet, env.jobs, env.clock)
    if not env.fleet.shared:
        return Module("recovery", recovery)
    task = recovery.task
    return Module("recovery", recovery, tasks=(task,), start=(task.start,), close=(task.close,))


def build_scheduler(env: Environment, tasks: Iterable[ScheduledTask]) -> Module:
    """Return the scheduler of the process.

    Args:
        env: Of the process.
        tasks: Those of every module.
    """
    scheduler = Scheduler(tuple(tasks), env.clock, env.fleet.leads)
    return Module(
        "scheduler",
        scheduler,
        tasks=scheduler.tasks,
        start=(scheduler.start,),
        close=(scheduler.close,),
    )
