"""A failed gate as an alert, so that it opens an incident like any other."""

from typing import Any

from trimtab.gates.matrix import HANDLING
from trimtab.gates.records import GateResult, Outcome, Verdict
from trimtab.gates.verdict import headline
from trimtab.kernel.errors import Unavailable

ALERTS = {
    "schema": "GatesSchemaFailed",
    "datasets": "GatesDatasetsFailed",
    "benchmark": "GatesBenchmarkFailed",
    "plausibility": "GatesPlausibilityFailed",
    "drift": "GatesDriftFailed",
    "supply_chain": "GatesSupplyChainFailed",
    "docs": "GatesDocsFailed",
    "process": "GatesProcessFailed",
}
"""Gate to alert name; the same names are in rules/gates.yml."""


class AlertNotSent(Unavailable):
    """The address did not take the alerts."""

    code = "gates.alert_not_sent"


def alerts(verdict: Verdict) -> list[dict[str, Any]]:
    """Return one alert for each gate that does not pass, in Alertmanager's form (API v2)."""
    return [
        _alert(verdict, result) for result in verdict.results if result.outcome is not Outcome.PASS
    ]


def _alert(verdict: Verdict, result: GateResult) -> dict[str, Any]:
    first = result.findings[0]
    handling = HANDLING[first.failure]
    return {
        "labels": {
            "alertname": ALERTS[result.gate],
            "gate": result.gate,
            "severity": first.severity.value,
            "subject": verdict.subject,
            "team": first.team,
        },
        "annotations": {
            "summary": headline(result),
            "description": f"{first.message} ({len(result.findings)} findings)",
            "fix": first.fix,
            "guide": handling.guide,
        },
        "startsAt": verdict.at,
    }


def post_alerts(verdict: Verdict, address: str) -> int:
    """Post the failed gates to an Alertmanager-compatible address; return how many there were.

    Raises:
        AlertNotSent: The address did not take them.
    """
    found = alerts(verdict)
    if not found:
        return 0
    # The HTTP client takes longer to load than most gates to run, and is rarely asked for.
    import httpx  # noqa: PLC0415 - see above.

    try:
        httpx.post(
            f"{address.rstrip('/')}/api/v2/alerts", json=found, timeout=10.0
        ).raise_for_status()
    except httpx.HTTPError as error:
        raise AlertNotSent(f"The alerts were not taken: {error}") from error
    return len(found)
