"""Builders of the modules that receive alerts from outside and let people work on incidents."""

from datetime import datetime

from trimtab.app.assembly import Assembly
from trimtab.calendar import module as calendar
from trimtab.incidents import EmbeddedMonitor, Incidents
from trimtab.incidents import module as incidents
from trimtab.incidents.intake import AlertIntake
from trimtab.incidents.intake import module as intake
from trimtab.incidents.oncall import OnCall
from trimtab.infra.notify import Outbox
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


def build_calendar(assembly: Assembly) -> Module:
    """Return the dated tasks that follow incidents; the on-call schedules come later."""

    def person_for(role: str, now: datetime) -> str:
        return assembly.service(OnCall).person_for(role, now)

    records = assembly.service(incidents.IncidentRecords)
    return calendar.build(assembly.env, records, assembly.service(Outbox), person_for)
