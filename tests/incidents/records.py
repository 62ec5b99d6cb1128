"""Incidents made by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from trimtab.incidents import Incident, State
from trimtab.incidents.model import AttachedAlert, Episode, IncidentAlert, IncidentSeverity

START = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)


def drift_alert(**changes):
    """The alert of the incident response procedures' worked example."""
    alert = IncidentAlert(
        fingerprint="alert_drift",
        name="ModelDriftCritical",
        labels={"model": "classifier_v2", "severity": "P1", "system": "AOPS"},
        annotations={
            "title": "Model Drift Critical",
            "resolved_title": "Model Drift",
            "summary": "Drift score: 0.45 (threshold: 0.3)",
            "description": "Top features: V14 (PSI=0.8), V17 (PSI=0.6)",
        },
        value=0.45,
        fired_at=START,
    )
    return replace(alert, **changes)


def drift_incident(**changes):
    incident = Incident(
        id="INC-2026-0314",
        state=State.RESTORED,
        state_since=START,
        title="Model Drift Critical",
        component="classifier_v2",
        group_key="drift",
        alerts=(AttachedAlert(drift_alert(), firing=False, changed_at=START),),
        severity=IncidentSeverity.P1,
        native_severity="P1 — Critical",
        system="AOPS",
        ladder="agentops",
        runbooks=("model-drift",),
        episode=Episode(
            number=1,
            opened_at=START,
            triaged_at=START + timedelta(minutes=1),
            diagnosed_at=START + timedelta(minutes=8),
            remediation_at=START + timedelta(minutes=20),
            restored_at=START + timedelta(minutes=45),
            cause_verified=True,
            root_cause="Vendor API format change affecting V14",
            resolution="Retrained model with updated feature pipeline",
        ),
    )
    return incident.updated(**changes)
