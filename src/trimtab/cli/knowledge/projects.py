"""`projects`: list, create and delete projects."""

from typing import Annotated

import typer

from trimtab.cli.knowledge.lookup import Project, list_all
from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, Yes, confirm, session_of

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_projects(context: typer.Context, json: Json = False) -> None:
    """List all projects."""
    session = session_of(context)
    body = session.client.call("GET", "/api/v1/projects")
    if not printed_as_json(session, body):
        print_table(
            ("project", "documents", "passages", "waiting", "embedder"),
            (
                (p["name"], p["documents"], p["chunks"], p["queued"], p["embedder"])
                for p in body["projects"]
            ),
        )


@app.command("create")
def create_project(
    context: typer.Context,
    project: Project,
    embedder: Annotated[
        str,
        typer.Option(help="standard, or multilingual: about 100 languages, slower."),
    ] = "standard",
    json: Json = False,
) -> None:
    """Create an empty project; an existing one is left as it is."""
    session = session_of(context)
    new = {"name": project, "embedder": embedder}
    body = session.client.call("POST", "/api/v1/projects", body=new)
    if not printed_as_json(session, body):
        name = body["name"]
        print_line(
            f"Created the project {name}."
            if body["created"]
            else f"The project {name} exists already; it is left as it is."
        )


@app.command("delete")
def delete_project(
    context: typer.Context,
    project: Project,
    dry_run: Annotated[bool, typer.Option(help="Only show what would be deleted.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Delete a project with all its documents."""
    session = session_of(context)
    count = len(list_all(session, project))
    what = f"{project} with {count} documents"
    if dry_run:
        if not printed_as_json(session, {"name": project, "documents": count, "dry_run": True}):
            print_line(f"{what} would be deleted.")
        return
    confirm(f"Delete {what}?", yes=yes)
    body = session.client.call("DELETE", f"/api/v1/projects/{project}")
    if not printed_as_json(session, body):
        print_line(f"Deleted {what}.")
