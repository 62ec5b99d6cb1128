"""`ingest`: send files and folders to a project."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.knowledge.lookup import Project, document_id
from trimtab.cli.knowledge.upload import File, grouped, send_group, send_one
from trimtab.cli.runtime.console import print_line, print_table, printed_as_json, progress_bar
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Session, session_of
from trimtab.infra.folders import Listing, list_folder
from trimtab.kernel.errors import InvalidInput

app = typer.Typer()


@app.command()
def ingest(
    context: typer.Context,
    project: Project,
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
    dry_run: Annotated[bool, typer.Option(help="Only list the files.")] = False,
    watch: Annotated[
        bool, typer.Option(help="Follow the folder and synchronise its changes.")
    ] = False,
    user_id: Annotated[
        str,
        typer.Option(help="The user who owns the documents; an erasure of the user deletes them."),
    ] = "",
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="An access label for the documents; repeatable. Only keys with it see them."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Send files and folders to a project."""
    session = session_of(context)
    session.document_labels = tuple(label or ())
    if watch and not dry_run:
        _follow(session, project, paths, user_id)
        return
    files, listings = _list_files(paths)
    left_out = [asdict(entry) for listing in listings for entry in listing.left_out]
    if dry_run:
        names = [name for name, _ in files]
        if not printed_as_json(session, {"project": project, "files": names, "left_out": left_out}):
            print_table(("file",), ((name,) for name in names))
            _print_left_out(listings)
        return
    results = _ingest_all(session, project, files, user_id)
    refused = [found for found in results if "code" in found]
    body = {"project": project, "documents": results, "left_out": left_out}
    if not printed_as_json(session, body):
        _print_results(results, listings)
    if refused:
        raise typer.Exit(Exit.FAILED)


def _print_results(results: list[dict[str, Any]], listings: list[Listing]) -> None:
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


def _list_files(paths: list[Path]) -> tuple[list[File], list[Listing]]:
    """Return the files, and the listings of the folders among the paths."""
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
    session: Session, project: str, files: list[File], user_id: str
) -> list[dict[str, Any]]:
    outcomes: list[dict[str, Any]] = []
    with progress_bar() as progress:
        bar = progress.add_task("ingesting", total=len(files))
        for group in grouped(files):
            progress.update(bar, description=group[0][0][-40:])
            outcomes += send_group(session, project, group, user_id)
            progress.advance(bar, len(group))
    return outcomes


def _follow(session: Session, project: str, paths: list[Path], user_id: str) -> None:
    from trimtab.cli.knowledge.folder_sync import Memory, Mirror, follow
    from trimtab.knowledge.parsing.formats import SUFFIXES

    if len(paths) != 1 or not paths[0].is_dir():
        raise InvalidInput("--watch follows one folder.", hint="Give one folder.")
    folder = paths[0]
    service = session.url or str(session.settings.service.data_dir.absolute())

    def drop(name: str) -> None:
        found = document_id(session, project, name)
        session.client.call("DELETE", f"/api/v1/projects/{project}/documents/{found}")

    mirror = Mirror(
        folder,
        frozenset(SUFFIXES),
        lambda name, file: send_one(session, project, name, file, user_id),
        drop,
        Memory.of(folder, project, service),
    )
    follow(session, mirror)
