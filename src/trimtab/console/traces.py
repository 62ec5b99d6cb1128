"""Pages of traces: the list with its filters, and how one answer came about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from trimtab.answers import Trace
from trimtab.answers.records import PipelineStage, TraceFilter
from trimtab.answers.service import AnswerService
from trimtab.answers.visibility import visible_trace, visible_traces
from trimtab.console.documents import PAGE_SIZE as PASSAGES_PER_PAGE
from trimtab.console.render import page
from trimtab.console.services import READER, REVIEWER, AnswersDep, Caller, EnvDep, KnowledgeDep
from trimtab.infra.auth import Principal
from trimtab.infra.web.routes import GuardedRoute
from trimtab.knowledge import Knowledge
from trimtab.knowledge.records import DocumentPassage

router = APIRouter(prefix="/console/traces", route_class=GuardedRoute)

PAGE_SIZE = 50
_BATCH = 200
_MAX_READ = 2000
"""Traces that are read for one page; a search for a rare text continues on the next page."""

Outcome = Literal["", "found", "not_found", "blocked"]
Since = Literal["", "1h", "24h", "7d", "30d"]
_SPANS: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
_CONDITIONS: Mapping[str, Mapping[str, bool]] = {
    "": {},
    "found": {"found": True},
    "not_found": {"found": False, "blocked": False},
    "blocked": {"blocked": True},
}


@dataclass(frozen=True, slots=True)
class TracePage:
    """A page of traces, newest first."""

    traces: tuple[Trace, ...]
    next_before: str = ""
    """The trace after which the next page continues; empty on the last page."""


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage of an answer as its page shows it."""

    stage: PipelineStage
    share: float
    """Of the answer's whole time, in [0, 1]."""
    verdicts: tuple[tuple[str, str, float | None], ...] = ()
    """Guard, decision and score."""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A retrieved passage as the trace's page shows it."""

    score: float
    cited: tuple[int, ...]
    """Numbers of the citations that quote it."""
    passage: DocumentPassage | None
    """None when it was deleted or changed since, or is hidden from the caller."""
    page: int = 1
    """The page of the document's passages on which it is."""


@router.get("", dependencies=[REVIEWER])
def traces(
    request: Request,
    env: EnvDep,
    knowledge: KnowledgeDep,
    answers: AnswersDep,
    principal: Caller,
    project: Annotated[str, Query(max_length=100)] = "",
    outcome: Outcome = "",
    since: Since = "",
    q: Annotated[str, Query(max_length=200)] = "",
    before: Annotated[str, Query(max_length=100)] = "",
) -> HTMLResponse:
    """Show the newest traces that fulfil the filters."""
    start = env.clock.now() - _SPANS[since] if since else None
    conditions = _filter(project, outcome, start, before)
    values = {
        "found": find_page(answers, knowledge, principal, conditions, q.strip()),
        "projects": [each.name for each in knowledge.projects.list()],
        "chosen": {"project": project, "outcome": outcome, "since": since, "q": q},
        "before": before,
    }
    return page(request, "traces.html", values)


@router.get("/{trace_id}", dependencies=[READER])
def trace(
    request: Request, trace_id: str, knowledge: KnowledgeDep, answers: AnswersDep, principal: Caller
) -> HTMLResponse:
    """Show how one answer came about; the caller got the trace's id with the answer."""
    found = visible_trace(answers.traces, trace_id, principal, knowledge.documents.hidden_from)
    values = {
        "trace": found,
        "stages": [_stage_row(stage, found) for stage in found.stages],
        "passages": _passages(found, knowledge, principal),
        "feedback": answers.feedback.of_trace(trace_id),
    }
    return page(request, "trace.html", values)


def find_page(
    answers: AnswerService,
    knowledge: Knowledge,
    principal: Principal,
    conditions: TraceFilter,
    text: str,
) -> TracePage:
    """Return the newest traces the caller may see whose question or answer has the text."""
    found: list[Trace] = []
    read, needle = 0, text.casefold()
    while True:
        batch = answers.traces.matching(conditions, _BATCH)
        read += len(batch)
        visible = visible_traces(batch, principal.labels, knowledge.documents.hidden_from)
        found += [each for each in visible if needle in _text(each).casefold()]
        if len(found) > PAGE_SIZE:
            return TracePage(tuple(found[:PAGE_SIZE]), found[PAGE_SIZE - 1].id)
        if len(batch) < _BATCH:
            return TracePage(tuple(found))
        if read >= _MAX_READ:
            return TracePage(tuple(found), batch[-1].id)
        conditions = replace(conditions, before=batch[-1].id)


def _filter(project: str, outcome: str, since: datetime | None, before: str) -> TraceFilter:
    conditions = _CONDITIONS[outcome]
    return TraceFilter(
        project or None, conditions.get("found"), conditions.get("blocked"), since, before or None
    )


def _text(trace: Trace) -> str:
    return f"{trace.answer.question}\n{trace.answer.text}"


def _passages(trace: Trace, knowledge: Knowledge, principal: Principal) -> list[PassageRow]:
    ids = [chunk_id for chunk_id, _ in trace.retrieved]
    present = knowledge.documents.passages_by_id(ids, principal.labels)
    rows = []
    for chunk_id, score in trace.retrieved:
        cited = tuple(each.number for each in trace.answer.citations if each.chunk_id == chunk_id)
        passage = present.get(chunk_id)
        number = passage.chunk.ordinal // PASSAGES_PER_PAGE + 1 if passage else 1
        rows.append(PassageRow(score, cited, passage, number))
    return rows


def _stage_row(stage: PipelineStage, trace: Trace) -> StageRow:
    decisions, scores = stage.facts.get("verdicts"), stage.facts.get("scores")
    verdicts: list[tuple[str, str, float | None]] = []
    if isinstance(decisions, Mapping):
        known = scores if isinstance(scores, Mapping) else {}
        verdicts = [(str(name), str(made), known.get(name)) for name, made in decisions.items()]
    facts = [
        (name.replace("_", " "), _fact(value))
        for name, value in stage.facts.items()
        if name not in {"verdicts", "scores", "decision"} and value not in ([], False, None, "")
    ]
    share = stage.duration_ms / (trace.duration_ms or 1)
    return StageRow(stage, min(1.0, share), tuple(verdicts), tuple(facts))


def _fact(value: object) -> str:
    if value is True:
        return "yes"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(str(each) for each in value)
    return str(value)
