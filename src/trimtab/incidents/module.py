"""Builds the incident records, the alert monitor and the operator."""

from dataclasses import dataclass, field

from trimtab import __version__
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.embedded import EmbeddedMonitor
from trimtab.incidents.ladders import load_ladders
from trimtab.incidents.ports import AlertMonitor, Consult, Impact, ServiceProbe
from trimtab.incidents.proofs import Proofs, shipped_proofs
from trimtab.incidents.service import Incidents
from trimtab.incidents.signals import signals
from trimtab.incidents.store import IncidentStore
from trimtab.infra.environment import Environment
from trimtab.infra.notify import Outbox, Reach
from trimtab.infra.shipped import shipped
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Catalog
from trimtab.kernel.tasks import ScheduledTask
from trimtab.monitoring.service import Monitoring
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
    """

    consult: Consult | None = None
    impact: Impact | None = None
    probe: ServiceProbe | None = None
    reach: Reach = field(default_factory=Reach)


def build_records(env: Environment, outbox: Outbox) -> Module:
    """Return the records, whose signals belong to the catalog that the operator works with."""
    store = IncidentStore(env.state, outbox)
    shipped_file = shipped("library") / "proofs.json"
    records = IncidentRecords(store, Proofs(store, __version__, shipped_proofs(shipped_file)))
    return Module("incident records", records, signals=signals(store, outbox, env.clock))


def build_monitor(env: Environment, monitoring: Monitoring) -> Module:
    """Return the embedded rules as the operator's monitor."""
    seconds, separate = env.settings.monitor.scrape_interval_seconds, monitoring.metrics.separate
    monitor = EmbeddedMonitor(monitoring.engine, monitoring.series, env.clock, seconds, separate)
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
    settings = env.settings.incidents
    context = IncidentContext(
        store=records.store,
        library=library,
        catalog=catalog,
        monitor=monitor,
        audit=env.audit,
        clock=env.clock,
        settings=settings,
        ladders=load_ladders(settings.ladders_file),
        proofs=records.proofs,
        consult=ports.consult,
        impact=ports.impact,
        probe=ports.probe,
        reach=ports.reach,
    )
    incidents = Incidents(context, env.jobs)
    resume = ScheduledTask("resume the jobs of incidents", _RESUME_SECONDS, incidents.resume)
    return Module("incidents", incidents, scheduled=(resume,))
