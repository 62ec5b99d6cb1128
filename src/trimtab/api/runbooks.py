"""Routes of the runbook library."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.http.schemas import extended
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import EnvDep, ProseDep, RecordsDep, RevisionsDep, RunbooksDep
from trimtab.incidents.module import IncidentRecords
from trimtab.incidents.proofs import DrillProof
from trimtab.kernel.errors import ErrorKind, InvalidInput
from trimtab.runbooks import Cause, Page, Runbook
from trimtab.runbooks.claims import Claim
from trimtab.runbooks.errors import RunbookRefused
from trimtab.runbooks.revisions import PageRevision
from trimtab.runbooks.service import Runbooks

router = APIRouter(prefix="/v1/runbooks", tags=["runbooks"], route_class=ApiRoute)


class PageRefused(InvalidInput):
    """The page is invalid; the message begins with ``page:line``."""

    code = "api.page_refused"


Word = Annotated[str, StringConstraints(max_length=1000)]
"""A command or an option."""


class LintRequest(BaseModel):
    """A page to check."""

    text: Annotated[str, StringConstraints(max_length=1_000_000)]
    path: Annotated[str, StringConstraints(max_length=1000)] = "page.md"
    """Its name in messages."""
    commands: dict[Word, list[Word]] | None = Field(default=None, max_length=1000)
    """Commands of the caller with their options; without them commands are not checked."""


@dataclass(frozen=True, slots=True)
class CauseSummary:
    """A cause of a runbook; checks and acts are as the page writes them."""

    id: str
    title: str
    proven: bool
    """Whether a drill on this build has shown that the fix works."""
    realism: Literal["", "real", "simulated"]
    """Realism of the drill; empty without one. After a simulated drill the fix needs approval."""
    realism_reason: str
    """Why it was simulated."""
    repair: Literal["machine", "person"]
    evidence: tuple[str, ...]
    fix: tuple[str, ...]
    verify: tuple[str, ...]
    drill: tuple[str, ...]
    drillable: bool
    """False while what the page needs is not configured."""

    @classmethod
    def of(cls, cause: Cause, proof: DrillProof | None, *, drillable: bool) -> "CauseSummary":
        """Return a cause and what is known of its proof on this build."""
        return cls(
            id=cause.id,
            title=cause.title,
            proven=proof is not None,
            realism="" if proof is None else proof.realism.value,
            realism_reason="" if proof is None else proof.reason,
            repair="machine" if cause.fix else "person",
            evidence=tuple(map(str, cause.evidence)),
            fix=tuple(map(str, cause.fix)),
            verify=tuple(map(str, cause.verify)),
            drill=tuple(map(str, cause.drill)),
            drillable=drillable,
        )


@dataclass(frozen=True, slots=True)
class ProcedureSummary:
    """A page for people."""

    id: str
    title: str
    path: str
    kind: Literal["procedure"]


@dataclass(frozen=True, slots=True)
class RunbookSummary:
    """A page for people that the service can run."""

    id: str
    title: str
    path: str
    kind: Literal["runbook"]
    severity: str
    alerts: tuple[str, ...]
    causes: tuple[CauseSummary, ...]


@dataclass(frozen=True, slots=True)
class RunbookList:
    """All pages of the library."""

    runbooks: tuple[RunbookSummary | ProcedureSummary, ...]


@dataclass(frozen=True, slots=True)
class ProcedureBody(ProcedureSummary):
    """A procedure with its text."""

    text: str
    """Markdown."""


@dataclass(frozen=True, slots=True)
class RunbookBody(RunbookSummary):
    """A runbook with its text."""

    text: str
    """Markdown."""


@dataclass(frozen=True, slots=True)
class LintBody:
    """A valid page."""

    ok: Literal[True]
    id: str
    kind: Literal["runbook", "procedure"]
    claims: tuple[Claim, ...]
    """Names in its prose and its ``source`` that do not exist."""


@router.get("", dependencies=[READER])
def runbooks(runbooks: RunbooksDep, records: RecordsDep) -> RunbookList:
    """List every runbook with its causes and whether each is proven on this build."""
    library = runbooks.library
    pages: list[Page] = [*library.runbooks.values(), *library.procedures.values()]
    return RunbookList(tuple(_summary(runbooks, records, page) for page in pages))


@dataclass(frozen=True, slots=True)
class RevisedPage:
    """A page with its newest revision."""

    id: str
    revision: PageRevision | None
    """None for a page without an entry in the revision history."""
    overdue: bool
    """Whether the day of its next review has passed."""


@dataclass(frozen=True, slots=True)
class RevisionList:
    """Every page of the library with its revision."""

    pages: tuple[RevisedPage, ...]


@router.get("/revisions", dependencies=[READER])
def revisions(env: EnvDep, runbooks: RunbooksDep, revisions: RevisionsDep) -> RevisionList:
    """List version, date, owner, changes and next review of every page."""
    today, known = env.clock.now().date(), revisions.pages
    ids = sorted({*runbooks.library.runbooks, *runbooks.library.procedures})
    found = ((name, known.get(name)) for name in ids)
    return RevisionList(
        tuple(
            RevisedPage(name, each, each is not None and each.overdue(today))
            for name, each in found
        )
    )


@router.get("/{page_id}", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[READER])
def runbook(
    page_id: str, runbooks: RunbooksDep, records: RecordsDep
) -> RunbookBody | ProcedureBody:
    """Return a page with its Markdown text."""
    page = runbooks.library.page(page_id)
    summary = _summary(runbooks, records, page)
    if isinstance(summary, RunbookSummary):
        return extended(RunbookBody, summary, text=page.text)
    return extended(ProcedureBody, summary, text=page.text)


@router.post("/lint", dependencies=[OPERATOR])
def lint(request: LintRequest, runbooks: RunbooksDep, prose: ProseDep) -> LintBody:
    """Check a page against the catalog and the rules; a wrong one is refused with page and line.

    ``claims`` lists names in the prose that do not exist.
    """
    try:
        page = runbooks.check_page(request.text, request.path)
    except RunbookRefused as refused:
        raise PageRefused(refused.message, hint=refused.hint()) from refused
    commands = {name: frozenset(options) for name, options in (request.commands or {}).items()}
    claims = tuple(prose.check(request.text, commands))
    kind: Literal["runbook", "procedure"] = "runbook" if isinstance(page, Runbook) else "procedure"
    return LintBody(ok=True, id=page.id, kind=kind, claims=claims)


def _summary(
    runbooks: Runbooks, records: IncidentRecords, page: Page
) -> RunbookSummary | ProcedureSummary:
    if not isinstance(page, Runbook):
        return ProcedureSummary(page.id, page.title, page.path, "procedure")
    drillable = runbooks.library.provides(page)
    causes = (
        CauseSummary.of(cause, records.proofs.find(page, cause), drillable=drillable)
        for cause in page.causes
    )
    return RunbookSummary(
        id=page.id,
        title=page.title,
        path=page.path,
        kind="runbook",
        severity=page.severity,
        alerts=tuple(page.alerts),
        causes=tuple(causes),
    )
