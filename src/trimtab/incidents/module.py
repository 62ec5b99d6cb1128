"""Builds the incident records, the alert monitor and the operator."""

from dataclasses import dataclass, field

from trimtab import __version__
from trimtab.incidents.anomaly.memory import DetectorMemory
from trimtab.incidents.anomaly.watch import AnomalyWatch
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.embedded import EmbeddedMonitor
from trimtab.incidents.intake.config import load_config
from trimtab.incidents.intake.service import AlertIntake
from trimtab.incidents.ladders import load_ladders
from trimtab.incidents.oncall import OnCall
from trimtab.incidents.oncall.schedules import load_schedules
from trimtab.incidents.oncall.store import OverrideStore
from trimtab.incidents.people import People
from trimtab.incidents.ports import (
    AlertMonitor,
    Consult,
    Impact,
    NobodyOnCall,
    NoOutsideAlerts,
    OnCallPeople,
    OutsideAlerts,
    ServiceProbe,
)
from trimtab.incidents.prometheus import AlertHistory, MonitorWithPrometheus
from trimtab.incidents.proofs import Proofs, shipped_proofs
from trimtab.incidents.rca.live import LiveRanking
from trimtab.incidents.rca.own import OwnSystem
from trimtab.incidents.service import Incidents
from trimtab.incidents.signals import signals
from trimtab.incidents.store import IncidentStore
from trimtab.infra.environment import Environment
from trimtab.infra.notify import Outbox, Reach
from trimtab.infra.shipped import shipped
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Catalog
from trimtab.kernel.tasks import ScheduledTask
from trimtab.monitoring.prometheus import PrometheusClient, PrometheusSource
from trimtab.monitoring.service import Monitoring
from trimtab.monitoring.views import SeriesView
from trimtab.runbooks import Library

_RESUME_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class IncidentRecords:
    """Incidents and drill proofs as they are stored."""

    store: IncidentStore
    proofs: Proofs


@dataclass(frozen=True, slots=True)
class OperatorPorts:
    """Ports from the operator to the services; each of them is optional.

    Attributes:
        consult: Searches the manual.
        impact: Measures what users noticed.
        probe: Makes the service do some work before it is judged.
        reach: The channels that reach people.
        outside: Knows the alerts from outside.
        on_call: Knows who is on call.
        samples: The samples of the service, without drills; they rank what has moved.
        system: The components of the service, and what each of them depends on.
    """

    consult: Consult | None = None
    impact: Impact | None = None
    probe: ServiceProbe | None = None
    reach: Reach = field(default_factory=Reach)
    outside: OutsideAlerts = field(default_factory=NoOutsideAlerts)
    on_call: OnCallPeople = field(default_factory=NobodyOnCall)
    samples: SeriesView | None = None
    system: OwnSystem | None = None


def build_records(env: Environment, outbox: Outbox) -> Module:
    """Return the records, whose signals belong to the catalog that the operator works with."""
    store = IncidentStore(env.state, outbox)
    shipped_file = shipped("library") / "proofs.json"
    records = IncidentRecords(store, Proofs(store, __version__, shipped_proofs(shipped_file)))
    return Module("incident records", records, signals=signals(store, outbox, env.clock))


def build_monitor(env: Environment, monitoring: Monitoring) -> Module:
    """Return the embedded rules as the operator's monitor."""
    seconds, separate = env.settings.monitor.scrape_interval_seconds, monitoring.metrics.separate
    monitor = EmbeddedMonitor(
        monitoring.engine, monitoring.series, env.clock, seconds, separate, env.fleet.me.id
    )
    return Module("incident monitor", monitor)


def build(
    env: Environment,
    records: IncidentRecords,
    catalog: Catalog,
    library: Library,
    monitor: AlertMonitor,
    ports: OperatorPorts,
) -> Module:
    """Return the operator, with its jobs registered.

    Args:
        env: Of the process.
        records: Of `build_records`.
        catalog: What the operator may measure and do.
        library: Its runbooks.
        monitor: Tells which alerts fire.
        ports: What it asks of the services.
    """
    settings, source = env.settings.incidents, _prometheus(env)
    ranking = _ranking(env, ports, source)
    context = IncidentContext(
        store=records.store,
        library=library,
        catalog=catalog,
        monitor=MonitorWithPrometheus(monitor, source, env.clock) if source else monitor,
        audit=env.audit,
        clock=env.clock,
        settings=settings,
        ladders=load_ladders(settings.ladders_file),
        proofs=records.proofs,
        consult=ports.consult,
        impact=ports.impact,
        probe=ports.probe,
        reach=ports.reach,
        outside=ports.outside,
        on_call=ports.on_call,
        history=AlertHistory(source, env.clock) if source else None,
        ranking=ranking,
        dependencies=ranking.dependencies if ranking is not None else dict,
    )
    incidents = Incidents(context, env.jobs)
    resume = ScheduledTask("resume the jobs of incidents", _RESUME_SECONDS, incidents.resume)
    return Module("incidents", incidents, scheduled=(resume,))


def build_anomaly_watch(env: Environment, samples: SeriesView, intake: AlertIntake) -> Module:
    """Return the watch of the series in `monitor.anomaly_series`; without any it does nothing.

    Args:
        env: Of the process.
        samples: Of the service, without drills.
        intake: Takes the alerts of anomalies.
    """
    settings = env.settings.monitor
    watch = AnomalyWatch(
        settings,
        samples,
        _prometheus(env),
        intake,
        env.clock,
        DetectorMemory(env.directory),
    )
    tasks = (ScheduledTask("watch for anomalies", settings.anomaly_interval_seconds, watch.look),)
    scheduled = tasks if settings.anomaly_series else ()
    return Module("anomalies", watch, scheduled=scheduled, close=(watch.close,))


def _ranking(
    env: Environment, ports: OperatorPorts, source: PrometheusSource | None
) -> LiveRanking | None:
    if ports.samples is None:
        return None
    dependencies = load_config(env.settings.incidents.alerts_file).dependencies
    return LiveRanking(ports.samples, source, env.clock, dependencies, ports.system)


def _prometheus(env: Environment) -> PrometheusSource | None:
    monitor = env.settings.monitor
    if not monitor.prometheus_url:
        return None
    client = PrometheusClient(
        monitor.prometheus_url,
        monitor.prometheus_timeout_seconds,
        monitor.prometheus_token,
        dependencies=env.dependencies,
    )
    return PrometheusSource(client)


def build_on_call(env: Environment) -> Module:
    """Return the on-call schedules with their overrides.

    Raises:
        OnCallFileRefused: The file of schedules cannot be used.
    """
    schedules = load_schedules(env.settings.incidents.oncall_file)
    store = OverrideStore(env.state)
    return Module("on call", OnCall(schedules, store, env.audit, env.clock))


def build_people(incidents: Incidents, intake: AlertIntake) -> Module:
    """Return what people do with incidents.

    Args:
        incidents: Close incidents and wake their jobs.
        intake: Keeps the alerts of declared incidents.
    """
    return Module("people", People(incidents.context, incidents, intake))
