"""`documents`: list, show, review, delete and label the documents of a project."""

from datetime import timedelta
from typing import Annotated

import typer

from trimtab.cli.knowledge.lookup import Project, document_id, list_all
from trimtab.cli.monitoring.rules import seconds
from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, Yes, confirm, session_of
from trimtab.kernel.clock import SystemClock

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_documents(
    context: typer.Context,
    project: Project,
    since: Annotated[
        str, typer.Option(help="Only what came in or changed within this time: 30m, 24h, 7d.")
    ] = "",
    json: Json = False,
) -> None:
    """List a project's documents by name, and whether somebody has reviewed them."""
    session = session_of(context)
    begin = SystemClock().now() - timedelta(seconds=seconds(since)) if since else None
    found = list_all(session, project, begin)
    if not printed_as_json(session, {"documents": found}):
        print_table(
            ("document", "title", "state", "passages", "version", "changed", "reviewed", "id"),
            (
                (
                    *(d["name"], d["title"], d["state"], d["chunks"], d["version"]),
                    *(d["updated_at"][:16], "yes" if d["reviewed"] else "no", d["id"]),
                )
                for d in found
            ),
        )


@app.command("show")
def show_document(
    context: typer.Context, project: Project, document: str, json: Json = False
) -> None:
    """Print a document's extracted text."""
    session = session_of(context)
    body = session.client.call(
        "GET", f"/api/v1/projects/{project}/documents/{document_id(session, project, document)}"
    )
    if not printed_as_json(session, body):
        print_line(body["text"])


@app.command("delete")
def delete_document(
    context: typer.Context,
    project: Project,
    document: Annotated[str, typer.Argument(help="Its name or id.")],
    dry_run: Annotated[bool, typer.Option(help="Only say what would be deleted.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Delete a document at once from search."""
    session = session_of(context)
    found = document_id(session, project, document)
    body = {"document_id": found, "dry_run": dry_run}
    if not dry_run:
        confirm(f"Delete {document} of {project}?", yes=yes)
        session.client.call("DELETE", f"/api/v1/projects/{project}/documents/{found}")
    if not printed_as_json(session, body):
        print_line(f"{document} {'would be' if dry_run else 'is'} deleted.")


@app.command("review")
def review_document(
    context: typer.Context,
    project: Project,
    document: Annotated[str, typer.Argument(help="Its name or id.")],
    json: Json = False,
) -> None:
    """Mark a document's present version as reviewed; a new version is not."""
    session = session_of(context)
    found = document_id(session, project, document)
    session.client.call("PUT", f"/api/v1/projects/{project}/documents/{found}/review")
    if not printed_as_json(session, {"document_id": found, "reviewed": True}):
        print_line(f"{document} is marked as reviewed.")


@app.command("label")
def label_document(
    context: typer.Context,
    project: Project,
    document: Annotated[str, typer.Argument(help="Its name or id.")],
    labels: Annotated[
        list[str] | None, typer.Argument(help="All its labels; without any every key sees it.")
    ] = None,
    json: Json = False,
) -> None:
    """Set a document's access labels; only keys with one of them see the document."""
    session = session_of(context)
    found, given = document_id(session, project, document), labels or []
    path = f"/api/v1/projects/{project}/documents/{found}/labels"
    session.client.call("PUT", path, body={"labels": given})
    if not printed_as_json(session, {"document_id": found, "labels": given}):
        print_line(
            f"{document} has the labels {', '.join(given)}."
            if given
            else f"{document} has no labels."
        )
