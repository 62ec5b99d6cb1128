"""Builders of the modules that receive alerts from outside and let people work on incidents."""

from trimtab.app.assembly import Assembly
from trimtab.incidents import EmbeddedMonitor, Incidents
from trimtab.incidents import module as incidents
from trimtab.incidents.intake import AlertIntake
from trimtab.incidents.intake import module as intake
from trimtab.kernel.module import Module
from trimtab.monitoring.service import Monitoring


def build_received_alerts(assembly: Assembly) -> Module:
    """Return the stored alerts from outside, and the silences."""
    return intake.build_records(assembly.env)


def build_alert_intake(assembly: Assembly) -> Module:
    """Return the intake of alerts from outside."""
    records, monitor = assembly.service(intake.ReceivedRecords), assembly.service(EmbeddedMonitor)
    return intake.build(assembly.env, records, assembly.service(Incidents), monitor)


def build_anomaly_watch(assembly: Assembly) -> Module:
    """Return the watch of series that have no threshold."""
    samples = assembly.service(Monitoring).user_series
    return incidents.build_anomaly_watch(assembly.env, samples, assembly.service(AlertIntake))


def build_silences(assembly: Assembly) -> Module:
    """Return the silences, which the intake heeds at once."""
    records, receiver = assembly.service(intake.ReceivedRecords), assembly.service(AlertIntake)
    return intake.build_silences(assembly.env, records, receiver)


def build_on_call(assembly: Assembly) -> Module:
    """Return the on-call schedules."""
    return incidents.build_on_call(assembly.env)


def build_people(assembly: Assembly) -> Module:
    """Return what people do with incidents."""
    operator, receiver = assembly.service(Incidents), assembly.service(AlertIntake)
    return incidents.build_people(operator, receiver)
