"""Runbooks: what the machine can repair, and whether it has proven so."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from trimtab.console.render import page
from trimtab.console.services import READER, Here, Services
from trimtab.infra.web.routes import GuardedRoute
from trimtab.runbooks import Runbook

router = APIRouter(prefix="/console/runbooks", route_class=GuardedRoute)

_FRONT_MATTER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"\A\s*# [^\n]*\n")


@router.get("", dependencies=[READER])
def runbooks(request: Request, services: Here) -> HTMLResponse:
    """Show the library."""
    books = list(services.library.runbooks.values())
    proven = {book.id: _proven(services, book) for book in books}
    return page(
        request,
        "runbooks.html",
        {
            "books": books,
            "procedures": list(services.library.procedures.values()),
            "proven": proven,
            "causes": sum(len(book.causes) for book in books),
            "proofs": sum(len(found) for found in proven.values()),
        },
    )


@router.get("/{page_id}", dependencies=[READER])
def runbook(request: Request, page_id: str, services: Here) -> HTMLResponse:
    """Show one page as its reader sees it, with the proof of each cause."""
    found = services.library.page(page_id)
    is_runbook = isinstance(found, Runbook)
    body = _TITLE.sub("", _FRONT_MATTER.sub("", found.text.replace("\r\n", "\n")))
    values = {
        "book": found,
        "is_runbook": is_runbook,
        "body": body,
        "proven": _proven(services, found) if isinstance(found, Runbook) else set(),
        "simulated": _simulated(services, found) if isinstance(found, Runbook) else {},
    }
    return page(request, "runbook.html", values)


def _proven(services: Services, book: Runbook) -> set[str]:
    return {cause.id for cause in book.causes if services.proofs.proven(book, cause)}


def _simulated(services: Services, book: Runbook) -> dict[str, str]:
    """Return the reason of each proof that is only simulated, by cause."""
    found = ((cause.id, services.proofs.find(book, cause)) for cause in book.causes)
    return {cause_id: proof.reason for cause_id, proof in found if proof and proof.reason}
