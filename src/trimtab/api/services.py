"""What the routes work with; `app` fills it in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from trimtab.answers import Trace
from trimtab.answers.records import Feedback
from trimtab.answers.service import AnswerService
from trimtab.drills import DrillRoom
from trimtab.evaluation.service import EvaluationService
from trimtab.gates.room import GatesRoom
from trimtab.incidents import Incidents, Proofs
from trimtab.infra.audit import Audit
from trimtab.infra.auth import Keys, Principal
from trimtab.infra.changes import ChangeLog
from trimtab.infra.settings import Settings
from trimtab.infra.web import LiveViews, Places, Sessions, Viewer, admitted, viewer
from trimtab.kernel.clock import Clock
from trimtab.kernel.health import Health
from trimtab.kernel.operable import Catalog
from trimtab.knowledge import Knowledge
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.series import Samples
from trimtab.operations.checklists import Checklists
from trimtab.privacy.erasure import Erasures
from trimtab.runbooks import Library, Page
from trimtab.runbooks.claims import Claim


class Traces(Protocol):
    """Where traces are kept."""

    def find(self, trace_id: str) -> Trace:
        """Return the trace, or raise `TraceUnknown`."""
        ...

    def recent(self, limit: int, project: str | None = None) -> Sequence[Trace]:
        """Return the newest traces first, of one project or of all."""
        ...


class FeedbackBook(Protocol):
    """Where feedback is kept."""

    def keep(self, feedback: Feedback) -> None:
        """Add it, or raise `TraceUnknown` when its trace is gone."""
        ...

    def of_trace(self, trace_id: str) -> Sequence[Feedback]:
        """Return what was said about one answer, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a route may call."""

    settings: Settings
    clock: Clock
    health: Health
    registry: CollectorRegistry
    catalog: Catalog
    changes: ChangeLog
    audit: Audit
    keys: Keys
    sessions: Sessions
    views: LiveViews
    places: Places
    knowledge: Knowledge
    answers: AnswerService
    evaluation: EvaluationService
    erasures: Erasures
    tasks: Checklists
    traces: Traces
    feedback: FeedbackBook
    series: Samples
    rules: RuleEngine
    library: Library
    proofs: Proofs
    incidents: Incidents
    gates: GatesRoom
    drills: DrillRoom
    """The service as drills see it."""
    check_page: Callable[[str, str], Page]
    """Returns a runbook page as it would load, from its text and its path, or raises `RunbookRefused`."""
    check_prose: Callable[[str, Mapping[str, frozenset[str]]], Sequence[Claim]]
    """Returns what a page names that does not exist, from its text and the commands that exist."""


async def _services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


Here = Annotated[Services, Depends(_services)]
"""The services, as a route's parameter."""

Following = Annotated[Viewer, Depends(viewer)]
"""Who follows a live view, as a parameter of its route."""

Caller = Annotated[Principal, Depends(admitted)]
"""Whom the route's role check has admitted, as a route's parameter."""
