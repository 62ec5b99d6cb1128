"""Builds the operations checklists."""

from trimtab.infra.audit_files import AuditFiles
from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module
from trimtab.operations.checklists import Checklists, FiringAlerts
from trimtab.operations.readings import ServiceReadings


def build(
    env: Environment, readings: ServiceReadings, audit: AuditFiles, firing: FiringAlerts
) -> Module:
    """Return the daily, weekly and monthly checks, and those before a rollback.

    Args:
        env: Environment of the process.
        readings: Readings of the services.
        audit: Files of the audit chain.
        firing: Returns the alerts that fire.
    """
    lists = Checklists(readings, env.health, env.keys, audit, env.settings.trust, firing)
    return Module("operations", lists)
