"""Builders of operator modules: they reach the services through the catalog and through ports."""

from trimtab.answers.service import AnswerService
from trimtab.answers.tracing import SpanExporter
from trimtab.api.http import HttpMetrics
from trimtab.app.assembly import Assembly
from trimtab.app.checklists import Readings
from trimtab.app.operator_ports import HandbookSearch, OwnQuestions, QuestionsImpact
from trimtab.app.own_system import OwnComponents
from trimtab.drills import module as drills
from trimtab.drills.run import DrilledService
from trimtab.evaluation.service import EvaluationService
from trimtab.incidents import EmbeddedMonitor, Incidents, deliver, firing_before
from trimtab.incidents import module as incidents
from trimtab.incidents.intake import AlertIntake
from trimtab.incidents.intake.module import ReceivedRecords
from trimtab.incidents.oncall import OnCall
from trimtab.infra import module as infra
from trimtab.infra.audit_files import AuditFiles
from trimtab.infra.maintenance import MaintenanceMode
from trimtab.infra.notify import Outbox, Reach
from trimtab.infra.notify import module as notify
from trimtab.infra.web.module import Web
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Catalog
from trimtab.knowledge import Knowledge
from trimtab.models.retraining.service import Retrainings
from trimtab.monitoring import module as monitoring
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.service import Monitoring
from trimtab.operations import module as operations
from trimtab.postgresql.module import watched_url
from trimtab.privacy.erasure import Erasures
from trimtab.runbooks import module as runbooks
from trimtab.runbooks.service import Runbooks


def build_incident_records(assembly: Assembly) -> Module:
    """Return the stored incidents, whose messages go to the outbox."""
    return incidents.build_records(assembly.env, assembly.service(Outbox))


def build_monitoring(assembly: Assembly) -> Module:
    """Return the rules over the signals of the catalog."""
    catalog, engine = assembly.service(Catalog), assembly.service(RuleEngine)
    return monitoring.build(assembly.env, engine, catalog, frozenset(HttpMetrics.NAMES))


def build_usage_forecast(assembly: Assembly) -> Module:
    """Return the forecast of the use of resources; the samples come later."""
    return monitoring.build_usage_forecast(
        assembly.env, lambda: assembly.service(Monitoring).user_series
    )


def build_runbooks(assembly: Assembly) -> Module:
    """Return the runbooks of the alerts."""
    settings = assembly.env.settings
    offered = {"kubernetes": settings.kubernetes.enabled, "postgresql": watched_url(settings)}
    provided = tuple(name for name, given in offered.items() if given)
    return runbooks.build(assembly.service(Catalog), assembly.service(Monitoring), provided)


def build_revisions(_: Assembly) -> Module:
    """Return the revision history of the runbooks."""
    return runbooks.build_revisions()


def build_incident_monitor(assembly: Assembly) -> Module:
    """Return the embedded rules as the operator sees them."""
    return incidents.build_monitor(assembly.env, assembly.service(Monitoring))


def build_incidents(assembly: Assembly) -> Module:
    """Return the operator of the services in this process."""
    env, monitor = assembly.env, assembly.service(EmbeddedMonitor)
    knowledge = assembly.service(Knowledge)
    ports = incidents.OperatorPorts(
        consult=HandbookSearch(knowledge),
        impact=QuestionsImpact(monitor, env.settings.monitor.retention_minutes * 60),
        probe=OwnQuestions(knowledge, assembly.service(AnswerService)),
        reach=assembly.service(Reach),
        outside=assembly.service(ReceivedRecords).view,
        on_call=assembly.service(OnCall),
        samples=assembly.service(Monitoring).user_series,
        system=OwnComponents(assembly),
    )
    return incidents.build(
        env,
        assembly.service(incidents.IncidentRecords),
        assembly.service(Catalog),
        assembly.service(Runbooks).library,
        monitor,
        ports,
    )


def build_operations(assembly: Assembly) -> Module:
    """Return the checklists, which read the services through an adapter."""
    knowledge = assembly.service(Knowledge)
    readings = Readings(
        assembly.service(AnswerService),
        assembly.service(EvaluationService).monitor,
        assembly.service(SpanExporter),
        knowledge.maintenance.backups,
        knowledge.qdrant_usage,
    )
    firing = assembly.service(Monitoring).firing
    return operations.build(assembly.env, readings, assembly.service(AuditFiles), firing)


def build_delivery(assembly: Assembly) -> Module:
    """Return the delivery of messages, whose receipts go to the incidents."""
    receipts = assembly.service(Incidents).note_receipt
    outbox, reach = assembly.service(Outbox), assembly.service(Reach)
    return notify.build_delivery(assembly.env, outbox, reach, receipts)


def build_jobs(assembly: Assembly) -> Module:
    """Return the durable jobs; unfinished incidents and erasures are resumed when they open."""
    incidents_, erasures = assembly.service(Incidents), assembly.service(Erasures)
    retrainings = assembly.service(Retrainings)

    def resume() -> None:
        incidents_.resume()
        erasures.resume()
        retrainings.resume()

    return infra.build_jobs(assembly.env, resume)


def build_scheduler(assembly: Assembly) -> Module:
    """Return the scheduler of every module's short tasks."""
    tasks = [task for module in assembly.started() for task in module.scheduled]
    return infra.build_scheduler(assembly.env, tasks)


def build_monitor_loop(assembly: Assembly) -> Module:
    """Return the loop that reports what the rules find to the incidents."""
    operator, held = assembly.service(Incidents), assembly.service(AlertIntake)
    return monitoring.build_loop(
        assembly.env,
        assembly.service(Monitoring),
        lambda transition: deliver(transition, operator, held),
        lambda: firing_before(operator),
    )


def build_drills(assembly: Assembly) -> Module:
    """Return the drills of this process."""
    clock, ending = assembly.env.clock, assembly.service(Web).views.ending
    service = DrilledService(
        library=assembly.service(Runbooks).library,
        catalog=assembly.service(Catalog),
        incidents=assembly.service(Incidents),
        monitor=assembly.service(EmbeddedMonitor),
        proofs=assembly.service(incidents.IncidentRecords).proofs,
        clock=clock,
        wait=lambda seconds: clock.wait(ending, seconds),
    )
    maintenance = assembly.service(MaintenanceMode)
    fleet = assembly.env.fleet

    def refused() -> str:
        if fleet.shared and sum(process.is_live for process in fleet.processes()) > 1:
            # A fault breaks one process, while its alerts and the clock of the drill are of all.
            return "several processes share the database; drill an installation with one."
        return "maintenance mode is on." if maintenance.on else ""

    return drills.build(service, refused)
