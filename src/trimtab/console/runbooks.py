"""Pages of the runbook library, with the proofs of this build."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from trimtab.console.render import page
from trimtab.console.services import READER, EnvDep, RecordsDep, RevisionsDep, RunbooksDep
from trimtab.incidents.module import IncidentRecords
from trimtab.infra.web.routes import GuardedRoute
from trimtab.runbooks import Runbook

router = APIRouter(prefix="/console/runbooks", route_class=GuardedRoute)

_FRONT_MATTER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"\A\s*# [^\n]*\n")


@router.get("", dependencies=[READER])
def runbooks(
    request: Request,
    env: EnvDep,
    runbooks: RunbooksDep,
    records: RecordsDep,
    revisions: RevisionsDep,
) -> HTMLResponse:
    """Show the library."""
    books = list(runbooks.library.runbooks.values())
    proven = {book.id: _proven(records, book) for book in books}
    return page(
        request,
        "runbooks.html",
        {
            "books": books,
            "procedures": list(runbooks.library.procedures.values()),
            "proven": proven,
            "overdue": revisions.overdue(env.clock.now().date()),
            "causes": sum(len(book.causes) for book in books),
            "proofs": sum(len(found) for found in proven.values()),
        },
    )


@router.get("/{page_id}", dependencies=[READER])
def runbook(
    request: Request,
    page_id: str,
    env: EnvDep,
    runbooks: RunbooksDep,
    records: RecordsDep,
    revisions: RevisionsDep,
) -> HTMLResponse:
    """Show one page with the proof of each cause."""
    found = runbooks.library.page(page_id)
    is_runbook = isinstance(found, Runbook)
    body = _TITLE.sub("", _FRONT_MATTER.sub("", found.text.replace("\r\n", "\n")))
    values = {
        "book": found,
        "is_runbook": is_runbook,
        "body": body,
        "revision": revisions.pages.get(found.id),
        "today": env.clock.now().date(),
        "proven": _proven(records, found) if isinstance(found, Runbook) else set(),
        "simulated": _simulated(records, found) if isinstance(found, Runbook) else {},
    }
    return page(request, "runbook.html", values)


def _proven(records: IncidentRecords, book: Runbook) -> set[str]:
    return {cause.id for cause in book.causes if records.proofs.proven(book, cause)}


def _simulated(records: IncidentRecords, book: Runbook) -> dict[str, str]:
    """Return the reason of each proof that is only simulated, by cause."""
    found = ((cause.id, records.proofs.find(book, cause)) for cause in book.causes)
    return {cause_id: proof.reason for cause_id, proof in found if proof and proof.reason}
