"""`projects`, `ingest`, `documents`, `search`: documents and what is found in them."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli.knowledge.upload import File, grouped, send_group, send_one
from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Session, session
from trimtab.infra.folders import Listing, list_folder
from trimtab.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from rich.progress import Progress

Project = Annotated[str, typer.Argument(help="The project's name.")]
projects_app = typer.Typer(help="Projects of documents.", no_args_is_help=True)
documents_app = typer.Typer(help="The documents of a project.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(projects_app, name="projects")
    app.command()(ingest)
    app.add_typer(documents_app, name="documents")
    app.command()(search)


@projects_app.command("list")
def list_projects(context: typer.Context, json: Json = False) -> None:
    """List all projects."""
    this = session(context)
    body = this.client.call("GET", "/api/v1/projects")
    if not printed_as_json(this, body):
        print_table(
            ("project", "documents", "passages", "waiting"),
            ((p["name"], p["documents"], p["chunks"], p["queued"]) for p in body["projects"]),
        )


@projects_app.command("create")
def create_project(context: typer.Context, project: Project, json: Json = False) -> None:
    """Make an empty project; nothing happens when it is there."""
    this = session(context)
    body = this.client.call("POST", "/api/v1/projects", body={"name": project})
    if not printed_as_json(this, body):
        print_line(f"The project {body['name']} is there.")


@projects_app.command("delete")
def delete_project(
    context: typer.Context,
    project: Project,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be deleted.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Delete a project with all its documents."""
    this = session(context)
    count = len(_documents(this, project))
    what = f"{project} with {count} documents"
    if dry_run:
        if not printed_as_json(this, {"name": project, "documents": count, "dry_run": True}):
            print_line(f"{what} would be deleted.")
        return
    if not yes and not this.json:
        typer.confirm(f"Delete {what}?", abort=True)
    body = this.client.call("DELETE", f"/api/v1/projects/{project}")
    if not printed_as_json(this, body):
        print_line(f"Deleted {what}.")


def ingest(
    context: typer.Context,
    project: Project,
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
    dry_run: Annotated[bool, typer.Option(help="Only list what would be taken in.")] = False,
    watch: Annotated[
        bool, typer.Option(help="Follow the folder: what changes or goes there does so here.")
    ] = False,
    user_id: Annotated[
        str, typer.Option(help="Whose documents they are; erasing the person deletes them.")
    ] = "",
    label: Annotated[
        list[str] | None,
        typer.Option(help="An access label that they get; repeatable. Only keys with it see them."),
    ] = None,
    json: Json = False,
) -> None:
    """Take documents in; a folder is taken in whole, named by the paths inside it."""
    this = session(context)
    this.document_labels = tuple(label or ())
    if watch and not dry_run:
        _follow(this, project, paths, user_id)
        return
    files, listings = _found(paths)
    left_out = [asdict(entry) for listing in listings for entry in listing.left_out]
    if dry_run:
        names = [name for name, _ in files]
        if not printed_as_json(this, {"project": project, "files": names, "left_out": left_out}):
            print_table(("file",), ((name,) for name in names))
            _print_left_out(listings)
        return
    results = _ingest_all(this, project, files, user_id)
    refused = [found for found in results if "code" in found]
    body = {"project": project, "documents": results, "left_out": left_out}
    if not printed_as_json(this, body):
        print_table(
            ("document", "status", "passages", ""),
            (
                (
                    found["name"],
                    found.get("status", "refused"),
                    found.get("chunks"),
                    found.get("reason") or found.get("message", ""),
                )
                for found in results
            ),
        )
        _print_left_out(listings)
    if refused:
        raise typer.Exit(Exit.FAILED)


@documents_app.command("list")
def list_documents(context: typer.Context, project: Project, json: Json = False) -> None:
    """List a project's documents by name."""
    this = session(context)
    found = _documents(this, project)
    if not printed_as_json(this, {"documents": found}):
        print_table(
            ("document", "title", "state", "passages", "version", "id"),
            (
                (d["name"], d["title"], d["state"], d["chunks"], d["version"], d["id"])
                for d in found
            ),
        )


@documents_app.command("show")
def show_document(
    context: typer.Context, project: Project, document: str, json: Json = False
) -> None:
    """Print a document's extracted text."""
    this = session(context)
    body = this.client.call(
        "GET", f"/api/v1/projects/{project}/documents/{_id_of(this, project, document)}"
    )
    if not printed_as_json(this, body):
        print_line(body["text"])


@documents_app.command("delete")
def delete_document(
    context: typer.Context,
    project: Project,
    document: Annotated[str, typer.Argument(help="Its name or id.")],
    dry_run: Annotated[bool, typer.Option(help="Only say what would be deleted.")] = False,
    json: Json = False,
) -> None:
    """Delete a document; from then on no search finds it."""
    this = session(context)
    document_id = _id_of(this, project, document)
    body = {"document_id": document_id, "dry_run": dry_run}
    if not dry_run:
        this.client.call("DELETE", f"/api/v1/projects/{project}/documents/{document_id}")
    if not printed_as_json(this, body):
        print_line(f"{document} {'would be' if dry_run else 'is'} deleted.")


@documents_app.command("label")
def label_document(
    context: typer.Context,
    project: Project,
    document: Annotated[str, typer.Argument(help="Its name or id.")],
    labels: Annotated[
        list[str] | None, typer.Argument(help="All its labels; none makes it visible to everybody.")
    ] = None,
    json: Json = False,
) -> None:
    """Set a document's access labels: only keys with one of them see it, and the local user with `--label`."""
    this = session(context)
    document_id, given = _id_of(this, project, document), labels or []
    path = f"/api/v1/projects/{project}/documents/{document_id}/labels"
    this.client.call("PUT", path, body={"labels": given})
    if not printed_as_json(this, {"document_id": document_id, "labels": given}):
        print_line(
            f"{document} has the labels {', '.join(given)}."
            if given
            else f"{document} has no labels."
        )


def search(
    context: typer.Context,
    project: Project,
    query: str,
    top_k: Annotated[int, typer.Option(help="How many passages, 1 to 100.")] = 5,
    json: Json = False,
) -> None:
    """Find the passages that answer a query."""
    this = session(context)
    body = this.client.call("GET", f"/api/v1/search/{project}", params={"q": query, "top_k": top_k})
    if printed_as_json(this, body):
        return
    if body["degraded_mode"]:
        print_line(f"Words only: {body['reason']}", style="yellow")
    for number, passage in enumerate(body["passages"], 1):
        place = f" · {passage['heading']}" if passage["heading"] else ""
        print_line(f"{number}. {passage['document_name']}{place}  ({passage['score']:.2f})", "bold")
        print_line(f"   {' '.join(passage['text'].split())[:300]}", style="dim")


def _documents(this: Session, project: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        path = f"/api/v1/projects/{project}/documents"
        more = this.client.call("GET", path, params={"offset": len(found)})["documents"]
        found += more
        if not more:
            return found


def _id_of(this: Session, project: str, document: str) -> str:
    named = [d["id"] for d in _documents(this, project) if d["name"] == document]
    return str(named[0]) if named else document


def _found(paths: list[Path]) -> tuple[list[File], list[Listing]]:
    """Return the files, and what the folders among the paths hold."""
    files: list[File] = []
    listings = []
    for path in paths:
        if path.is_file():
            files.append((path.name, path))
        elif path.is_dir():
            listings.append(list_folder(path))
            files += [(file.name, file) for file in listings[-1].files]
        else:
            raise InvalidInput(f"There is no file or folder {path}.", hint="Check the path.")
    return files, listings


def _print_left_out(listings: list[Listing]) -> None:
    for listing in listings:
        if summary := listing.summary():
            print_line(summary, "yellow")


def _ingest_all(
    this: Session, project: str, files: list[File], user_id: str
) -> list[dict[str, Any]]:
    outcomes: list[dict[str, Any]] = []
    with _progress() as progress:
        bar = progress.add_task("ingesting", total=len(files))
        for group in grouped(files):
            progress.update(bar, description=group[0][0][-40:])
            outcomes += send_group(this, project, group, user_id)
            progress.advance(bar, len(group))
    return outcomes


def _follow(this: Session, project: str, paths: list[Path], user_id: str) -> None:
    from trimtab.cli.knowledge.folder_sync import Memory, Mirror, follow
    from trimtab.knowledge.parsing.formats import SUFFIXES

    if len(paths) != 1 or not paths[0].is_dir():
        raise InvalidInput("--watch follows one folder.", hint="Give one folder.")
    folder = paths[0]
    service = this.url or str(this.settings.service.data_dir.absolute())

    def drop(name: str) -> None:
        document_id = _id_of(this, project, name)
        this.client.call("DELETE", f"/api/v1/projects/{project}/documents/{document_id}")

    mirror = Mirror(
        folder,
        frozenset(SUFFIXES),
        lambda name, file: send_one(this, project, name, file, user_id),
        drop,
        Memory.of(folder, project, service),
    )
    follow(this, mirror)


def _progress() -> "Progress":
    """Return a progress bar on stderr, where it does not disturb the result; none without a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    error_console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        console=error_console,
        transient=True,
        disable=not error_console.is_terminal,
    )
