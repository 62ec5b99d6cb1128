"""Replays a past incident against today's rules and runbooks: would it be caught sooner?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab.incidents.context import IncidentContext
from trimtab.incidents.evidence import values_of
from trimtab.incidents.model import Incident, IncidentAlert, IncidentSeverity
from trimtab.incidents.triage import severity_of
from trimtab.monitoring.alerts import AlertBook, AlertFired
from trimtab.monitoring.checks import check, compile_check
from trimtab.monitoring.errors import EvaluationFailed
from trimtab.monitoring.rule import AlertRule, RuleGroup
from trimtab.monitoring.scrape import instant_of, milliseconds
from trimtab.monitoring.views import SeriesView
from trimtab.runbooks import Cause, Check
from trimtab.runbooks.errors import PlaceholderUnknown
from trimtab.runbooks.placeholders import bind_expression

_BEFORE = timedelta(minutes=60)
"""How long before the first alert today's rules are evaluated."""
_AFTER = timedelta(minutes=15)
_STEPS = 150
"""Evaluations of each rule at most: more would keep the service busy."""
_MAX_ALERTS = 20


@dataclass(frozen=True, slots=True)
class ReplayedAlert:
    """An alert then, and what today's rules make of it."""

    name: str
    fired_at: datetime
    would_fire_at: datetime | None
    """None when it would not, or when the samples cannot tell."""
    seconds_sooner: float | None
    """Below zero when it would fire later."""
    text: str


@dataclass(frozen=True, slots=True)
class ReplayedCause:
    """A cause of today's runbooks, judged on the samples of then."""

    cause_id: str
    title: str
    known_then: bool
    """Whether the diagnosis of then considered it."""
    supported: bool | None
    """None when the samples cannot tell."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Result of a replay."""

    incident_id: str
    samples_from: datetime | None
    """Since when samples are kept; None without any."""
    covered: bool
    """Whether the samples reach back to the time before the first alert."""
    alerts: tuple[ReplayedAlert, ...]
    others: tuple[ReplayedAlert, ...]
    """Alerts of today's rules that would have fired before the first one, the earliest first."""
    severity_then: IncidentSeverity
    severity_now: IncidentSeverity
    runbooks_then: tuple[str, ...]
    runbooks_now: tuple[str, ...]
    causes: tuple[ReplayedCause, ...]
    verdict: str
    """The answer in a sentence."""


@dataclass(frozen=True, slots=True)
class PastSamples:
    """Today's rules, and the samples that they are evaluated on."""

    rules: Sequence[RuleGroup]
    view: SeriesView
    scrape_seconds: float

    @property
    def since(self) -> datetime | None:
        """Return the time of the oldest sample."""
        oldest = self.view.store.oldest_ms()
        return None if oldest is None else instant_of(oldest)

    def alert_rules(self) -> Iterable[AlertRule]:
        """Yield the rules that raise alerts."""
        for group in self.rules:
            yield from (rule for rule in group.rules if isinstance(rule, AlertRule))


def replay(context: IncidentContext, incident: Incident, past: PastSamples) -> Replay:
    """Evaluate today's rules and runbooks at the time of the incident."""
    first = min(each.alert.fired_at for each in incident.alerts)
    since = past.since
    covered = since is not None and since <= first - timedelta(seconds=past.scrape_seconds)
    alerts = tuple(
        _replayed(each.alert, past, covered=covered) for each in incident.alerts[:_MAX_ALERTS]
    )
    others = _others(incident, past, first) if covered else ()
    books = context.runbooks_of(incident)
    pages = context.procedures_of(incident)
    at = incident.episode.diagnosed_at or first
    return Replay(
        incident_id=incident.id,
        samples_from=since,
        covered=covered,
        alerts=alerts,
        others=others,
        severity_then=incident.severity,
        severity_now=severity_of(incident.alert, books[0].severity if books else ""),
        runbooks_then=incident.runbooks,
        runbooks_now=(*(book.id for book in books), *(page.id for page in pages)),
        causes=tuple(_cause(incident, cause, past, at) for book in books for cause in book.causes),
        verdict=_verdict(first, alerts, others, covered=covered),
    )


def _replayed(alert: IncidentAlert, past: PastSamples, *, covered: bool) -> ReplayedAlert:
    def found(text: str, at: datetime | None = None) -> ReplayedAlert:
        sooner = None if at is None else (alert.fired_at - at).total_seconds()
        return ReplayedAlert(alert.name, alert.fired_at, at, sooner, text)

    if alert.source:
        return found(f"Sent by {alert.source}: its rules are not here.")
    rules = [rule for rule in past.alert_rules() if rule.name == alert.name]
    if not rules:
        return found("Today's rules have no alert of this name.")
    if not covered:
        return found("Cannot tell: no samples of that time are kept.")
    end = alert.fired_at + _AFTER
    times = [at for rule in rules if (at := _first_firing(rule, past, alert.fired_at, end))]
    if not times:
        return found("It would not fire today.")
    at = min(times)
    return found(_compared((alert.fired_at - at).total_seconds(), past.scrape_seconds), at)


def _compared(sooner: float, scrape_seconds: float) -> str:
    if abs(sooner) <= 2 * scrape_seconds:
        return "It would fire at the same time."
    return f"It would fire {abs(sooner):.0f} s {'sooner' if sooner > 0 else 'later'}."


def _others(incident: Incident, past: PastSamples, first: datetime) -> tuple[ReplayedAlert, ...]:
    known = {each.alert.name for each in incident.alerts}
    found = []
    for rule in past.alert_rules():
        if rule.name not in known and (at := _first_firing(rule, past, first, first)) is not None:
            sooner = (first - at).total_seconds()
            text = f"It would have fired {sooner:.0f} s before the first alert."
            found.append(ReplayedAlert(rule.name, first, at, sooner, text))
    return tuple(sorted(found, key=lambda each: -(each.seconds_sooner or 0.0)))


def _first_firing(
    rule: AlertRule, past: PastSamples, fired_at: datetime, end: datetime
) -> datetime | None:
    """Return when the rule would begin to fire in the hour before; None when it would not.

    An alert that fires at the first evaluation has begun before, so it says nothing.
    """
    begin = fired_at - _BEFORE
    step = max(past.scrape_seconds, (end - begin).total_seconds() / _STEPS)
    book, at, is_first = AlertBook(rule), begin, True
    while at <= end:
        try:
            result = rule.expression.evaluate(past.view, milliseconds(at))
            fired = [t for t in book.update(result, milliseconds(at)) if isinstance(t, AlertFired)]
        except EvaluationFailed:
            fired = []
        if fired:
            return None if is_first and rule.hold_seconds == 0 else at
        at, is_first = at + timedelta(seconds=step), False
    return None


def _cause(incident: Incident, cause: Cause, past: PastSamples, at: datetime) -> ReplayedCause:
    diagnosis = incident.episode.diagnosis
    known = diagnosis is not None and any(
        each.cause_id == cause.id for each in diagnosis.candidates
    )
    results = [_holds(incident, each, past, at) for each in cause.evidence]
    supported = False if False in results else None if None in results else True
    return ReplayedCause(cause.id, cause.title, known, supported)


def _holds(incident: Incident, asked: Check, past: PastSamples, at: datetime) -> bool | None:
    try:
        expression = bind_expression(asked.expression, values_of(incident))
    except PlaceholderUnknown:
        return None
    return check(compile_check(expression), past.view, at, past.scrape_seconds).holds


def _verdict(
    first: datetime,
    alerts: Sequence[ReplayedAlert],
    others: Sequence[ReplayedAlert],
    *,
    covered: bool,
) -> str:
    if not covered:
        return "Cannot tell whether it would be caught sooner: no samples of that time are kept."
    times = [each.would_fire_at for each in (*alerts, *others) if each.would_fire_at is not None]
    if not times:
        own = any(each.text.startswith("Sent by") for each in alerts)
        return "Today's rules would not catch it." if not own else "Only its sender would catch it."
    sooner = (first - min(times)).total_seconds()
    if sooner > 0:
        return f"Today it would be caught {sooner:.0f} s sooner."
    if sooner < 0:
        return f"Today it would be caught {-sooner:.0f} s later."
    return "Today it would be caught at the same time."
