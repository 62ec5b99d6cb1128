"""What the pages work with."""

from collections.abc import Sequence
from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from trimtab.answers import Trace
from trimtab.answers.records import Feedback
from trimtab.answers.service import AnswerService
from trimtab.gates.room import GatesRoom
from trimtab.incidents import Incidents, Proofs
from trimtab.infra.auth import Keys, Principal, Role
from trimtab.infra.settings import Settings
from trimtab.infra.web import LiveViews, Needs, Places, Sessions, Viewer, admitted, viewer
from trimtab.kernel.clock import Clock
from trimtab.kernel.health import Health
from trimtab.kernel.operable import Catalog
from trimtab.knowledge import Knowledge
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.series import Samples
from trimtab.runbooks import Library


class Traces(Protocol):
    """Where traces are kept."""

    def find(self, trace_id: str) -> Trace:
        """Return the trace, or raise `TraceUnknown`."""
        ...


class FeedbackBook(Protocol):
    """Where feedback is kept."""

    def keep(self, feedback: Feedback) -> None:
        """Add it."""
        ...

    def of_trace(self, trace_id: str) -> Sequence[Feedback]:
        """Return what was said about one answer, oldest first."""
        ...


class Services(Protocol):
    """Everything a page may call; the composition root's bundle has all of it."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102 - the type says it all, here and below.
    @property
    def clock(self) -> Clock: ...  # noqa: D102
    @property
    def health(self) -> Health: ...  # noqa: D102
    @property
    def catalog(self) -> Catalog: ...  # noqa: D102
    @property
    def keys(self) -> Keys: ...  # noqa: D102
    @property
    def sessions(self) -> Sessions: ...  # noqa: D102
    @property
    def views(self) -> LiveViews: ...  # noqa: D102
    @property
    def places(self) -> Places: ...  # noqa: D102
    @property
    def knowledge(self) -> Knowledge: ...  # noqa: D102
    @property
    def answers(self) -> AnswerService: ...  # noqa: D102
    @property
    def traces(self) -> Traces: ...  # noqa: D102
    @property
    def feedback(self) -> FeedbackBook: ...  # noqa: D102
    @property
    def series(self) -> Samples: ...  # noqa: D102
    @property
    def rules(self) -> RuleEngine: ...  # noqa: D102
    @property
    def gates(self) -> GatesRoom: ...  # noqa: D102
    @property
    def library(self) -> Library: ...  # noqa: D102
    @property
    def proofs(self) -> Proofs: ...  # noqa: D102
    @property
    def incidents(self) -> Incidents: ...  # noqa: D102


async def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


Here = Annotated[Services, Depends(_services)]
"""The services, as a page's parameter."""

Following = Annotated[Viewer, Depends(viewer)]
"""Who follows a live view, as a parameter of its route."""

Caller = Annotated[Principal, Depends(admitted)]
"""Whom the page's role check has admitted, as a page's parameter."""

READER = Depends(Needs(Role.READER))
OPERATOR = Depends(Needs(Role.OPERATOR))
ANYBODY = Depends(Needs(None))
