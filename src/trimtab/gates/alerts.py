"""Alerts for failed gates, in Alertmanager's format."""

from typing import Any

from trimtab.gates.matrix import HANDLING
from trimtab.gates.records import Failure, Finding, GateVerdict, Severity
from trimtab.kernel.errors import Unavailable

ALERTS = {
    Failure.SCHEMA: "GatesSchemaFailed",
    Failure.DATASET: "GatesDatasetFailed",
    Failure.BENCHMARK: "GatesBenchmarkFailed",
    Failure.DRIFT: "GatesDriftDetected",
    Failure.SECURITY: "GatesSecurityFailed",
    Failure.PERFORMANCE: "GatesPerformanceRegressed",
    Failure.DOCUMENTATION: "GatesDocumentationOutdated",
    Failure.PROCESS: "GatesProcessViolated",
    Failure.GENERAL: "GatesNotJudged",
}
"""Failure type to alert name; the same names are in rules/gates.yml."""


class AlertNotSent(Unavailable):
    """The address did not take the alerts."""

    code = "gates.alert_not_sent"


def raises_alert(found: Finding) -> bool:
    """Return whether a finding raises an alert.

    Findings of low severity do not, except those about documentation, which are all of low
    severity.
    """
    return found.severity is not Severity.LOW or found.failure is Failure.DOCUMENTATION


def alerts(verdict: GateVerdict) -> list[dict[str, Any]]:
    """Return one Alertmanager (API v2) alert for each failure type."""
    by_failure: dict[Failure, list[Finding]] = {}
    for found in filter(raises_alert, verdict.findings):
        by_failure.setdefault(found.failure, []).append(found)
    return [_alert(verdict, failure, found) for failure, found in by_failure.items()]


def _alert(verdict: GateVerdict, failure: Failure, found: list[Finding]) -> dict[str, Any]:
    first = found[0]
    handling = HANDLING[failure]
    return {
        "labels": {
            "alertname": ALERTS[failure],
            "gate": first.gate,
            "severity": first.severity.value,
            "subject": verdict.subject,
            "team": first.team,
        },
        "annotations": {
            "summary": handling.headline,
            "description": f"{first.message} ({len(found)} findings)",
            "fix": first.fix,
            "guide": handling.guide,
        },
        "startsAt": verdict.at,
    }


def post_alerts(verdict: GateVerdict, address: str) -> int:
    """Post the alerts to an Alertmanager-compatible address and return their number.

    Raises:
        AlertNotSent: The address cannot be reached or refused the alerts.
    """
    found = alerts(verdict)
    if not found:
        return 0
    # The HTTP client takes longer to load than most gates to run, and is rarely asked for.
    import httpx

    try:
        httpx.post(
            f"{address.rstrip('/')}/api/v2/alerts", json=found, timeout=10.0
        ).raise_for_status()
    except httpx.HTTPError as error:
        raise AlertNotSent(f"The alerts were not taken: {error}") from error
    return len(found)
