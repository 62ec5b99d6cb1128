"""What can be measured about the operator itself."""

import math
from collections.abc import Callable
from datetime import datetime

from trimtab.incidents.model import Incident, Severity
from trimtab.incidents.state import State
from trimtab.incidents.store import IncidentStore
from trimtab.infra.notify import Outbox
from trimtab.kernel.operable import Sample, Signal

_MTTR_OVER = 100


def signals(store: IncidentStore, outbox: Outbox) -> tuple[Signal, ...]:
    """Return the operator's signals."""
    return (
        Signal(
            "incidents.open",
            "incidents",
            "Incidents that are not resolved.",
            lambda: _by_severity(store.find(active=True)),
            labels=("severity",),
        ),
        Signal(
            "incidents.approvals_waiting",
            "plans",
            "Plans that wait for a person.",
            lambda: [_count(store, State.AWAITING_APPROVAL)],
        ),
        Signal(
            "incidents.escalated",
            "incidents",
            "Incidents that a person has.",
            lambda: [_count(store, State.ESCALATED)],
        ),
        Signal(
            "incidents.mttr_seconds",
            "seconds",
            f"Mean time from detection to restored service, over the last {_MTTR_OVER} incidents.",
            lambda: [Sample(_mean(store, lambda incident: incident.restored_at))],
        ),
        Signal(
            "incidents.time_to_diagnose_seconds",
            "seconds",
            f"Mean time from detection to diagnosis, over the last {_MTTR_OVER} incidents.",
            lambda: [Sample(_mean(store, lambda incident: incident.diagnosed_at))],
        ),
        Signal(
            "notify.undelivered",
            "messages",
            "Messages that wait in the outbox.",
            lambda: [Sample(outbox.undelivered())],
        ),
    )


def _by_severity(incidents: list[Incident]) -> list[Sample]:
    return [
        Sample(sum(incident.severity is severity for incident in incidents), {"severity": severity})
        for severity in Severity
    ]


def _count(store: IncidentStore, state: State) -> Sample:
    return Sample(sum(incident.state is state for incident in store.find(active=True)))


def _mean(store: IncidentStore, end: Callable[[Incident], datetime | None]) -> float:
    spans = [
        (at - incident.opened_at).total_seconds()
        for incident in store.find(active=False, limit=_MTTR_OVER)
        if (at := end(incident)) is not None
    ]
    return sum(spans) / len(spans) if spans else math.nan
