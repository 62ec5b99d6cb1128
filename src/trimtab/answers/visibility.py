"""Decides which traces a caller may see: of which projects, and with which access labels."""

from collections.abc import Callable, Collection, Sequence

from trimtab.answers.errors import TraceUnknown
from trimtab.answers.records import Trace
from trimtab.answers.store import TraceStore
from trimtab.infra.auth import Principal

HiddenFrom = Callable[[Sequence[str], Collection[str]], set[str]]
"""Returns those of the documents that a caller with these labels may not see."""


def visible_traces(
    traces: Sequence[Trace], labels: Sequence[str], hidden_from: HiddenFrom
) -> list[Trace]:
    """Return the traces whose own labels and whose sources' present labels the caller has."""
    mine = [trace for trace in traces if set(trace.labels) <= set(labels)]
    hidden = hidden_from(labels, set().union(*map(_sources, mine)))
    return [trace for trace in mine if hidden.isdisjoint(_sources(trace))]


def visible_trace(
    traces: TraceStore, trace_id: str, principal: Principal, hidden_from: HiddenFrom
) -> Trace:
    """Return the trace, or raise `TraceUnknown`, also for one that the caller may not see."""
    found = traces.find(trace_id)
    if not principal.sees(found.answer.project) or not visible_traces(
        [found], principal.labels, hidden_from
    ):
        raise TraceUnknown(f"There is no trace {trace_id!r}.")
    return found


def _sources(trace: Trace) -> set[str]:
    return {citation.document_id for citation in trace.answer.citations}
