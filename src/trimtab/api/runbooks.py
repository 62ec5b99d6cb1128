"""The runbook library."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from trimtab.api.body import Body
from trimtab.api.http.openapi import refuses
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import Here, Services
from trimtab.incidents import proof_entry
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import ErrorKind, InvalidInput
from trimtab.runbooks import Cause, Page, Runbook
from trimtab.runbooks.errors import RunbookRefused

router = APIRouter(prefix="/v1/runbooks", tags=["runbooks"], route_class=GuardedRoute)


class PageRefused(InvalidInput):
    """The page that was sent does not load; the message begins with ``page:line``."""

    code = "api.page_refused"


class LintRequest(Body):
    """A page to check."""

    text: Annotated[str, StringConstraints(max_length=1_000_000)]
    path: str = "page.md"
    """Its name in messages."""
    commands: dict[str, list[str]] | None = Field(default=None, max_length=1000)
    """Each command of the caller's command line with its options; without them commands are not checked."""


@router.get("", dependencies=[READER])
def runbooks(here: Here) -> dict[str, list[dict[str, object]]]:
    """List every runbook with its causes and whether each is proven on this build."""
    library = here.library
    pages: list[Page] = [*library.runbooks.values(), *library.procedures.values()]
    return {"runbooks": [_summary(here, page) for page in pages]}


@router.get("/{page_id}", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[READER])
def runbook(page_id: str, here: Here) -> dict[str, object]:
    """Return a page with its Markdown text."""
    page = here.library.page(page_id)
    return {**_summary(here, page), "text": page.text}


@router.post("/lint", dependencies=[OPERATOR])
def lint(request: LintRequest, here: Here) -> dict[str, object]:
    """Check a page against the catalog and the rules; a wrong one is refused with page and line.

    What the prose of a page that loads names and what does not exist is in ``claims``.
    """
    try:
        page = here.check_page(request.text, request.path)
    except RunbookRefused as refused:
        raise PageRefused(refused.message, hint=refused.hint()) from refused
    commands = {name: frozenset(options) for name, options in (request.commands or {}).items()}
    claims = here.check_prose(request.text, commands)
    return {"ok": True, "id": page.id, "kind": _kind(page), "claims": [asdict(c) for c in claims]}


def _summary(here: Services, page: Page) -> dict[str, object]:
    summary: dict[str, object] = {
        "id": page.id,
        "title": page.title,
        "path": page.path,
        "kind": _kind(page),
    }
    if isinstance(page, Runbook):
        summary |= {
            "severity": page.severity,
            "alerts": list(page.alerts),
            "causes": [_cause(here, page, cause) for cause in page.causes],
        }
    return summary


def _cause(here: Services, page: Runbook, cause: Cause) -> dict[str, object]:
    return {
        "id": cause.id,
        "title": cause.title,
        **proof_entry(here.proofs.find(page, cause)),
        "repair": "machine" if cause.fix else "person",
        "evidence": [str(check) for check in cause.evidence],
        "fix": [str(act) for act in cause.fix],
        "verify": [str(check) for check in cause.verify],
        "drill": [str(fault) for fault in cause.drill],
    }


def _kind(page: Page) -> str:
    return "runbook" if isinstance(page, Runbook) else "procedure"
