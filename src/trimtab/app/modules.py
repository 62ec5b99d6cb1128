"""The table of modules, in start order. A new domain is one line here."""

from collections.abc import Callable

from trimtab.app import alert_modules as alerts
from trimtab.app import operator_modules as operator
from trimtab.app import service_modules as services
from trimtab.app.assembly import Assembly
from trimtab.gates import module as gates
from trimtab.guardrails import module as guardrails
from trimtab.infra import module as infra
from trimtab.infra.environment import Environment
from trimtab.infra.notify import module as notify
from trimtab.infra.web import module as web
from trimtab.kernel.module import Module
from trimtab.knowledge import module as knowledge
from trimtab.kubernetes import module as kubernetes
from trimtab.monitoring import module as monitoring
from trimtab.postgresql import module as postgresql

Builder = Callable[[Assembly], Module]


def alone(build: Callable[[Environment], Module]) -> Builder:
    """Return the builder of a domain that needs no other domain."""
    return lambda assembly: build(assembly.env)


# Each module is built after those that it needs, and closed before them. Everything that publishes
# signals, actions or faults stands before the catalog. The jobs come late, because the import of
# their engine delays everything else; whatever may start a job comes after them. `roles.py` says
# which of them a process starts.
MODULES: tuple[Builder, ...] = (
    alone(infra.build_storage),
    alone(infra.build_fleet),
    alone(infra.build_error_reports),
    alone(web.build),
    alone(infra.build_maintenance),
    alone(infra.build_restarts),
    alone(infra.build_dependencies),
    alone(infra.build_valkey),
    alone(infra.build_provider_probes),
    alone(knowledge.build),
    services.build_embedding,
    services.build_process,
    services.build_databases,
    alone(guardrails.build),
    alone(notify.build),
    alone(notify.build_channels),
    services.build_notifications,
    services.build_outage,
    services.build_answers,
    services.build_tracing,
    services.build_evaluation,
    services.build_contradictions,
    services.build_models,
    services.build_model_monitoring,
    services.build_model_retraining,
    alone(gates.build),
    alone(kubernetes.build),
    alone(postgresql.build),
    services.build_review,
    services.build_flywheel,
    services.build_queues,
    alone(infra.build_audit),
    services.build_privacy,
    services.build_changes,
    services.build_response_history,
    operator.build_incident_records,
    alerts.build_received_alerts,
    alerts.build_calendar,
    alone(monitoring.build_rules),
    operator.build_usage_forecast,
    services.build_catalog,
    operator.build_monitoring,
    operator.build_runbooks,
    operator.build_revisions,
    operator.build_incident_monitor,
    alerts.build_on_call,
    operator.build_incidents,
    alerts.build_alert_intake,
    alerts.build_anomaly_watch,
    alerts.build_silences,
    alerts.build_people,
    operator.build_operations,
    operator.build_delivery,
    operator.build_jobs,
    alone(infra.build_recovery),
    operator.build_scheduler,
    operator.build_monitor_loop,
    operator.build_drills,
    services.build_handbook,
)
