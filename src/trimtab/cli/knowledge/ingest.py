"""`ingest`: send files and folders to a project."""

import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.knowledge.ingest_report import IngestReport
from trimtab.cli.knowledge.lookup import Project, document_id
from trimtab.cli.knowledge.upload import File, grouped, send_group, send_one, size_of, unreadable
from trimtab.cli.runtime.console import (
    ProgressLines,
    print_line,
    print_table,
    printed_as_json,
    rate_bar,
)
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Session, session_of
from trimtab.infra.folders import NAME_NOT_UTF8, Listing, is_text, list_folder, printable_name
from trimtab.kernel.errors import InvalidInput

app = typer.Typer()

_PER_FILE = 20_000
"""Bytes that a file counts for in addition to its size, in the estimate of the time left."""
_SHOWN_FILES, _SHOWN_BYTES = 24, 2 * 1024 * 1024
"""Size of a group on a terminal, so that its progress bar moves; in a pipe its bytes alone."""


@app.command()
def ingest(
    context: typer.Context,
    project: Project,
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
    dry_run: Annotated[
        bool, typer.Option(help="Only list the files, and what --prune would delete.")
    ] = False,
    watch: Annotated[
        bool, typer.Option(help="Follow the folder and synchronise its changes.")
    ] = False,
    prune: Annotated[
        bool, typer.Option(help="Delete documents of files that are no longer in the folder.")
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
    """Send files and folders to a project; files that are ingested already cost little."""
    session = session_of(context)
    session.document_labels = tuple(label or ())
    if watch and not dry_run:
        _follow(session, project, paths, user_id)
        return
    files, folders, report = _list_files(paths)
    if dry_run:
        gone = _gone(session, project, folders) if prune else []
        _print_plan(session, project, files, list(folders.values()), gone)
        return
    _ingest_all(session, project, files, user_id, report)
    _finish(session, project, folders, report, prune=prune and not report.interrupted)
    body = {
        "project": project,
        "documents": report.outcomes,
        "left_out": _left_out(folders.values()),
    }
    if not printed_as_json(session, body | {"pruned": report.pruned, "totals": report.totals()}):
        report.print(list(folders.values()))
    if report.interrupted:
        raise typer.Exit(Exit.INTERRUPTED)
    if report.refused:
        raise typer.Exit(Exit.FAILED)


def _left_out(listings: Iterable[Listing]) -> list[dict[str, str]]:
    return [asdict(entry) for listing in listings for entry in listing.left_out]


def _print_plan(
    session: Session, project: str, files: list[File], listings: list[Listing], gone: list[str]
) -> None:
    """Print what an ingestion would do."""
    names = [name for name, _ in files]
    left_out = _left_out(listings)
    body = {"project": project, "files": names, "left_out": left_out, "prune": gone}
    if printed_as_json(session, body):
        return
    print_table(("file",), ((name,) for name in names))
    for listing in listings:
        for entry in listing.unreadable:
            print_line(f"{entry.name} {entry.reason}", "yellow")
        if summary := listing.summary():
            print_line(summary, "yellow")
    for name in gone:
        print_line(f"{name} would be deleted.")


def _list_files(paths: list[Path]) -> tuple[list[File], dict[Path, Listing], IngestReport]:
    """Return the files, the listings of folders, and a report with what cannot be read."""
    files: list[File] = []
    folders: dict[Path, Listing] = {}
    failed = []
    for path in paths:
        if path.is_file() and not is_text(path.name):
            failed.append(unreadable(printable_name(path.name), NAME_NOT_UTF8))
        elif path.is_file():
            files.append((path.name, path))
        elif path.is_dir():
            try:
                folders[path] = list_folder(path)
            except OSError as error:
                failed.append(unreadable(printable_name(str(path)), str(error.strerror)))
                continue
            files += [(file.name, file) for file in folders[path].files]
            failed += [
                unreadable(entry.name, entry.reason.partition(": ")[2])
                for entry in folders[path].unreadable
            ]
        else:
            raise InvalidInput(f"There is no file or folder {path}.", hint="Check the path.")
    return files, folders, IngestReport(len(files) + len(failed), failed)


def _ingest_all(
    session: Session, project: str, files: list[File], user_id: str, report: IngestReport
) -> None:
    """Send the files in groups; Ctrl-C ends it with the groups that were answered."""
    started = time.monotonic()
    with rate_bar() as progress:
        bar = progress.add_task("", total=_weight(files), files=0, of=report.files)
        lines = ProgressLines(report.files, enabled=progress.disable and not session.json)
        limits = {} if progress.disable else {"max_files": _SHOWN_FILES}
        if not (progress.disable and session.json):
            limits["max_bytes"] = _SHOWN_BYTES
        try:
            for group in grouped(files, **limits):
                progress.update(bar, description=group[0][0][-40:])
                report.outcomes += send_group(session, project, group, user_id)
                progress.update(
                    bar,
                    advance=_weight(group),
                    files=len(report.outcomes),
                )
                lines.update(len(report.outcomes))
        except KeyboardInterrupt:
            report.interrupted = True
    report.seconds = time.monotonic() - started


def _weight(files: list[File]) -> int:
    return sum(size_of(file) + _PER_FILE for _, file in files)


def _finish(
    session: Session,
    project: str,
    folders: dict[Path, Listing],
    report: IngestReport,
    *,
    prune: bool,
) -> None:
    """Remember which documents came from which folder, and delete those whose file is gone."""
    from trimtab.cli.knowledge.pruning import FolderMemory

    ingested = {found["name"] for found in report.outcomes if "code" not in found}
    for folder, listing in folders.items():
        memory = FolderMemory(session, project, folder)
        memory.add({file.name for file in listing.files} & ingested)
        if prune:
            report.pruned += memory.delete(memory.gone(listing))


def _gone(session: Session, project: str, folders: dict[Path, Listing]) -> list[str]:
    from trimtab.cli.knowledge.pruning import FolderMemory

    found = (
        FolderMemory(session, project, folder).gone(listing) for folder, listing in folders.items()
    )
    return sorted(name for names in found for name in names)


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
        SUFFIXES,
        lambda name, file: send_one(session, project, name, file, user_id),
        drop,
        Memory.of(folder, project, service),
    )
    follow(session, mirror)
