"""Ranks the causes of an incident by the runbooks' evidence and past repairs."""

from dataclasses import dataclass, replace
from datetime import timedelta

from trimtab.incidents.context import IncidentContext
from trimtab.incidents.escalation import escalate
from trimtab.incidents.evidence import bound_act, confidences, finding_text, look
from trimtab.incidents.model import (
    CauseCandidate,
    Change,
    Diagnosis,
    EvidenceFinding,
    Incident,
    Watch,
)
from trimtab.incidents.rca.live import ranking_text
from trimtab.incidents.similar import similar
from trimtab.incidents.state import State
from trimtab.incidents.transition import NewEntry, Transition, moved
from trimtab.kernel.drilling import LABEL, is_marked
from trimtab.kernel.operable import Signal
from trimtab.runbooks import Act, Cause, Read, Runbook
from trimtab.runbooks.errors import PlaceholderUnknown

_OWN_ACTIONS = "incidents."
_HISTORIES = 3
"""Alerts of an incident whose history is looked up."""
_RANKING = "metrics that moved since it began"
_PERSON_ONLY = "only a person can repair it"


def diagnose(context: IncidentContext, incident: Incident) -> Transition:
    """Choose the cause to repair, wait for evidence, or escalate to a person."""
    if context.quiet(incident):
        return watch_recovery(context, incident, "anything was done")
    found = investigate(context, incident)
    if found.cause_id:
        return _decided(context, incident, found)
    waited = (context.now() - incident.state_since).total_seconds()
    if waited < context.settings.diagnosis_seconds and _may_still_show(found):
        entry = NewEntry(
            f"{incident.attempt_key}.watching",
            "No cause is supported yet; watching for evidence.",
        )
        return Transition(incident, (entry,), pause_seconds=context.settings.poll_seconds)
    return _abstained(context, incident, found)


def investigate(context: IncidentContext, incident: Incident) -> Diagnosis:
    """Evaluate the evidence of every cause and return a diagnosis."""
    books = context.runbooks_of(incident)
    candidates = _ranked(context, incident, books)
    chosen = next((each for each in candidates if _eligible(context, each)), None)
    cause = _cause_of(books, chosen.cause_id) if chosen else None
    return Diagnosis(
        at=context.now(),
        cause_id=chosen.cause_id if chosen else "",
        root_cause=chosen.title if chosen else "",
        confidence=chosen.confidence if chosen else 0.0,
        candidates=candidates,
        recommended=tuple(_command(incident, act) for act in cause.fix) if cause else (),
        gathered=_gathered(context, incident, books),
        changes=recent_changes(context),
        similar=similar(incident, context.store.find(active=False, drills=False, limit=500)),
        consulted=() if books or context.consult is None else _consulted(context, incident),
        abstained_because="" if chosen else _why_not(context, incident, candidates),
    )


def _command(incident: Incident, act: Act) -> str:
    """Return an act as a person would type it; what the alerts do not tell stays a placeholder."""
    try:
        return str(bound_act(incident, act))
    except PlaceholderUnknown:
        return str(act)


def recent_changes(context: IncidentContext) -> tuple[Change, ...]:
    """Return recent changes by people and deployments, the newest first.

    The operator's own acts are left out.
    """
    oldest = (context.now() - timedelta(hours=context.settings.recent_changes_hours)).isoformat()
    return tuple(
        Change(event.at, event.actor, event.action, event.subject)
        for event in context.audit.recent(200)
        if event.at >= oldest and not event.action.startswith(_OWN_ACTIONS)
    )[:20]


@dataclass(frozen=True, slots=True)
class _Weighed:
    cause: Cause
    findings: list[EvidenceFinding]
    worked: int


def _ranked(
    context: IncidentContext, incident: Incident, books: tuple[Runbook, ...]
) -> tuple[CauseCandidate, ...]:
    worked = context.store.worked_ever()
    weighed = [
        _Weighed(
            cause,
            [look(context, incident, check) for check in cause.evidence],
            worked.get(cause.id, 0),
        )
        for book in books
        for cause in book.causes
    ]
    scores = confidences([each.findings for each in weighed], [each.worked for each in weighed])
    candidates = [
        CauseCandidate(
            cause_id=each.cause.id,
            title=_titled(each.cause, each.findings),
            nature=each.cause.nature,
            confidence=round(score, 3),
            supported=all(finding.holds is True for finding in each.findings),
            findings=tuple(each.findings),
            excluded_because=_excluded(context, incident, each.cause),
        )
        for each, score in zip(weighed, scores, strict=True)
    ]
    return tuple(sorted(candidates, key=lambda each: -each.confidence))


def _titled(cause: Cause, findings: list[EvidenceFinding]) -> str:
    """Return the title of a cause with the features that its evidence is about."""
    named = dict.fromkeys(name for each in findings if each.holds for name in each.features)
    return f"{cause.title} affecting {', '.join(named)}" if named else cause.title


def _excluded(context: IncidentContext, incident: Incident, cause: Cause) -> str:
    for attempt in incident.attempts:
        if attempt.episode == incident.episode.number and attempt.cause_id == cause.id:
            tried = f"tried before: {attempt.outcome.replace('_', ' ')}"
            return f"{tried}: {attempt.reason}" if attempt.reason else tried
    since = context.now() - timedelta(hours=context.settings.barred_window_hours)
    worked = context.store.worked_since(cause.id, incident.alert.fingerprint, since)
    if worked >= context.settings.barred_after:
        return f"barred: it worked {worked} times for this alert and the alert keeps coming back"
    return "" if cause.fix else _PERSON_ONLY


def _eligible(context: IncidentContext, candidate: CauseCandidate) -> bool:
    return (
        candidate.supported
        and not candidate.excluded_because
        and candidate.confidence >= context.settings.min_confidence
    )


def _may_still_show(found: Diagnosis) -> bool:
    """Return whether later evidence may support a first cause.

    A cause that only a person can repair counts, so that the person is called with its name.
    """
    return any(
        each.excluded_because in ("", _PERSON_ONLY) for each in found.candidates
    ) and not any(each.supported for each in found.candidates)


def _why_not(
    context: IncidentContext, incident: Incident, candidates: tuple[CauseCandidate, ...]
) -> str:
    supported = [each for each in candidates if each.supported]
    if not candidates:
        pages = ", ".join(page.id for page in context.procedures_of(incident))
        return f"people follow the procedure {pages}" if pages else "no runbook knows this alert"
    if not supported:
        untold = any(finding.holds is None for each in candidates for finding in each.findings)
        return "no cause is supported by its evidence" + (
            "; part of it is unknown from the samples" if untold else ""
        )
    first = supported[0]
    if first.excluded_because:
        return f"{first.title}: {first.excluded_because}"
    return f"{len(supported)} causes are supported and none stands out"


def _decided(context: IncidentContext, incident: Incident, found: Diagnosis) -> Transition:
    now = context.now()
    after = moved(
        incident,
        State.DIAGNOSED,
        now,
        diagnosis=found,
        diagnosed_at=incident.episode.diagnosed_at or now,
        root_cause=found.root_cause,
        plan=None,
        approved_by="",
        done=(),
        watch=None,
    )
    chosen = next(each for each in found.candidates if each.cause_id == found.cause_id)
    entry = NewEntry(
        f"{incident.attempt_key}.diagnosed.{now.isoformat()}",
        f"Most likely cause: {found.root_cause} (confidence {found.confidence:.2f}); not confirmed"
        " yet.",
        facts={
            "cause": found.cause_id,
            "confidence": found.confidence,
            "evidence": [
                {"check": finding.expression, "holds": finding.holds, "values": finding.values}
                for finding in chosen.findings
            ],
            "others": {
                each.cause_id: each.confidence for each in found.candidates if each is not chosen
            },
            "changes": len(found.changes),
            "similar": [each.incident_id for each in found.similar],
        },
    )
    return Transition(after, (entry,))


def look_again(context: IncidentContext, incident: Incident) -> Transition | None:
    """Return the transition for changed evidence of an escalated incident, or None.

    A cause that can be repaired now is planned; the plan asks, because people have been called.
    """
    found = investigate(context, incident)
    before, now = _supported(incident.episode.diagnosis), _supported(found)
    if now == before:
        return None
    if found.cause_id:
        return _decided(context, incident, found)
    chosen = next((each for each in found.candidates if each.supported), None)
    text = f"Evidence changed. Supported now: {', '.join(sorted(now)) or 'no cause'}."
    entry = NewEntry(f"{incident.episode.number}.changed.{found.at.isoformat()}", text)
    title = chosen.title if chosen else ""
    return Transition(incident.updated(diagnosis=found, root_cause=title), (entry,))


def _supported(found: Diagnosis | None) -> set[str]:
    return {each.title for each in found.candidates if each.supported} if found else set()


def _abstained(context: IncidentContext, incident: Incident, found: Diagnosis) -> Transition:
    chosen = next((each for each in found.candidates if each.supported), None)
    suspect = ""
    if chosen is None:
        found, suspect = _with_ranking(context, incident, found)
    barred = chosen is not None and chosen.excluded_because.startswith("barred")
    event = "barred" if barred else "abstained"
    if any(attempt.episode == incident.episode.number for attempt in incident.attempts):
        event = "remediation_failed"
    transition = escalate(
        context, incident, event, found.abstained_because, chosen.nature if chosen else ""
    )
    entry = NewEntry(
        f"{incident.attempt_key}.abstained",
        f"No further cause to try: {found.abstained_because}."
        + (f" By its metrics the cause may be in {suspect}." if suspect else ""),
        facts={
            "candidates": {each.cause_id: each.confidence for each in found.candidates},
            "consulted": found.consulted,
        },
    )
    after = moved(
        transition.incident,
        State.ESCALATED,
        transition.incident.state_since,
        diagnosis=found,
        diagnosed_at=incident.episode.diagnosed_at or context.now(),
        root_cause=chosen.title if chosen else suspect or incident.episode.root_cause,
    )
    return Transition(after, (entry, *transition.entries), transition.messages)


def _with_ranking(
    context: IncidentContext, incident: Incident, found: Diagnosis
) -> tuple[Diagnosis, str]:
    """Return the diagnosis with the ranking of metrics, and what it suspects, or nothing."""
    if context.ranking is None:
        return found, ""
    ranking = context.ranking(incident)
    gathered = {**found.gathered, _RANKING: ranking_text(ranking)}
    return replace(found, gathered=gathered), ranking.cause


def watch_recovery(context: IncidentContext, incident: Incident, step: str) -> Transition:
    """Return the transition that watches an alert which became quiet before a step."""
    now = context.now()
    after = moved(incident, State.VERIFYING, now, plan=None, done=(), watch=Watch(now))
    entry = NewEntry(
        f"{incident.attempt_key}.quiet",
        f"The alert is quiet again before {step}; watching whether it stays so.",
    )
    return Transition(after, (entry,))


def _gathered(
    context: IncidentContext, incident: Incident, books: tuple[Runbook, ...]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for book in books:
        for command in book.gather:
            if isinstance(command, Read):
                for name in command.signals:
                    found[name] = _values(context.catalog.signal(name), drill=incident.drill)
            else:
                finding = look(context, incident, command)
                found[finding.expression] = finding_text(finding)
    if context.history is not None:
        for attached in incident.alerts[:_HISTORIES]:
            found |= context.history(attached.alert)
    return found


def _values(signal: Signal, *, drill: bool) -> str:
    samples = signal.read()
    if LABEL in signal.labels:
        samples = [sample for sample in samples if is_marked(sample.labels) is drill]
    return ", ".join(f"{sample.value:g}" for sample in samples) or "no data"


def _consulted(context: IncidentContext, incident: Incident) -> tuple[str, ...]:
    notes = incident.alert.annotations
    question = f"{incident.title} {notes.get('summary', '')} {notes.get('description', '')}"
    return tuple(context.consult(question))[:3] if context.consult else ()


def _cause_of(books: tuple[Runbook, ...], cause_id: str) -> Cause | None:
    return next((cause for book in books if (cause := book.cause(cause_id))), None)
