"""Evaluates the checks of causes and computes the confidence in each cause."""

import math
from dataclasses import replace

from trimtab.incidents.context import IncidentContext
from trimtab.incidents.model import EvidenceFinding, Incident
from trimtab.kernel.errors import TrimtabError
from trimtab.monitoring.labels import PROCESS
from trimtab.runbooks import Act, Check
from trimtab.runbooks.placeholders import (
    LabelValues,
    bind_arguments,
    bind_expression,
    label_values,
)

HOLDS = 4.0
"""Factor on the odds of a cause for each check that holds."""
FAILS = 0.125
"""Factor on the odds of a cause for each check that does not hold."""
_SHOWN_VALUES = 5


def look(context: IncidentContext, incident: Incident, check: Check) -> EvidenceFinding:
    """Evaluate one check now; ``holds`` is None if the samples cannot tell.

    The incident of a drill is judged by the traffic of the drill, any other by that of users; the
    incident of one process of the fleet by the figures of that process.
    """
    expression = check.expression
    try:
        expression = bind_expression(expression, values_of(incident))
        process = incident.alert.labels.get(PROCESS, "")
        judged = context.monitor.judge(expression, drill=incident.drill, process=process)
    except TrimtabError as error:
        return EvidenceFinding(expression, None, error=error.message)
    model = incident.alert.labels.get("model", "")
    found = [
        each for each in judged.samples if each.labels.get("model", model) == model or not model
    ]
    # What holds for another model only says nothing about this one.
    holds = False if judged.holds and judged.samples and not found else judged.holds
    shown = found[:_SHOWN_VALUES]
    values = tuple(each.value for each in shown if math.isfinite(each.value))
    features = tuple(each.labels["feature"] for each in shown if "feature" in each.labels)
    return EvidenceFinding(expression, holds, values, judged.reason, features)


def values_of(incident: Incident) -> LabelValues:
    """Return the values that the placeholders of a page stand for."""
    return label_values(each.alert.labels for each in incident.alerts)


def bound_act(incident: Incident, act: Act) -> Act:
    """Return the act with the incident's values; raises `PlaceholderUnknown`."""
    return replace(act, arguments=bind_arguments(act.arguments, values_of(incident)))


def finding_text(finding: EvidenceFinding) -> str:
    """Return a finding for people: ``holds``, ``does not hold``, or why it is unknown."""
    if finding.holds is None:
        return f"cannot tell: {finding.error or 'unknown'}"
    return "holds" if finding.holds else "does not hold"


def confidences(findings: list[list[EvidenceFinding]], past: list[int]) -> list[float]:
    """Return the probability of each cause from its findings and past repairs.

    The odds of a cause are (1 + past successes) times 4 for each piece of evidence that holds and
    1/8 for each that does not; unknown counts neither way. "None of them" has odds 1. The odds are
    scaled to sum to 1. The two factors are choices, not measurements: they make one clear cause
    0.8, two equal ones 0.44 each.
    """
    odds = []
    for cause_findings, worked in zip(findings, past, strict=True):
        weight = 1.0 + worked
        for finding in cause_findings:
            weight *= 1.0 if finding.holds is None else HOLDS if finding.holds else FAILS
        odds.append(weight)
    total = 1.0 + sum(odds)
    return [weight / total for weight in odds]
