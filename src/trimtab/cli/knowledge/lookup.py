"""Look up a project's documents through the API."""

from datetime import datetime
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.session import Session

Project = Annotated[str, typer.Argument(help="The project's name.")]


def list_all(session: Session, project: str, since: datetime | None = None) -> list[dict[str, Any]]:
    """Return all documents of a project, page by page; or those changed since then."""
    recent = {} if since is None else {"since": since.isoformat()}
    found: list[dict[str, Any]] = []
    while True:
        path = f"/api/v1/projects/{project}/documents"
        more = session.client.call("GET", path, params={"offset": len(found), **recent})[
            "documents"
        ]
        found += more
        if not more:
            return found


def document_id(session: Session, project: str, document: str) -> str:
    """Return the id of the document with this name; any other text is taken for an id."""
    named = [d["id"] for d in list_all(session, project) if d["name"] == document]
    return str(named[0]) if named else document
