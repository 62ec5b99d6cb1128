"""`knowledge verify`, `backup`, `restore`, `recover` and more: maintain the database."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json, waiting
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Session, Yes, confirm, session_of
from trimtab.infra.control_socket import is_answering
from trimtab.kernel.errors import Conflict, Corrupt, TrimtabError

app = typer.Typer()

DryRun = Annotated[bool, typer.Option(help="Only show what would happen.")]


@app.command()
def verify(context: typer.Context, json: Json = False) -> None:
    """Prove that deleted documents are in no table, index, cache or later backup."""
    session = session_of(context)
    with waiting("reading every file"):
        body = session.client.call("POST", "/v1/knowledge/verify")
    if not printed_as_json(session, body):
        for violation in body["violations"]:
            print_line(violation, "bold red")
        print_line(
            f"Searched {len(body['files'])} files, the indexes and the caches for "
            f"{body['deletions']} deletions: {'none found' if body['holds'] else 'some found'}."
        )
    if not body["holds"]:
        raise typer.Exit(Exit.FAILED)


@app.command()
def backup(context: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Take a backup now, and check it."""
    session = session_of(context)
    if dry_run:
        arguments = {"arguments": {}, "dry_run": True}
        body = session.client.call("POST", "/v1/actions/knowledge.backup.take", body=arguments)
        if not printed_as_json(session, {**body, "dry_run": True}):
            print_line(body["summary"])
        return
    with waiting("backing up"):
        body = session.client.call("POST", "/v1/knowledge/backups")
    if not printed_as_json(session, body):
        print_line(f"{body['name']} is created and checked: {body['size_bytes'] / 1e6:.1f} MB.")


@app.command()
def backups(
    context: typer.Context,
    check: Annotated[bool, typer.Option(help="Read and check each backup.")] = False,
    json: Json = False,
) -> None:
    """List the backups, the newest first; exit code 1 when a checked one is damaged."""
    session = session_of(context)
    with waiting("reading the backups" if check else ""):
        body = session.client.call("GET", "/v1/knowledge/backups", params={"check": check})
    found = body["backups"]
    if not printed_as_json(session, body):
        print_table(
            ("backup", "made", "MB", *(("good", "problem") if check else ())),
            ((b["name"], b["at"], b["size_bytes"] / 1e6, *_verdict(b, check)) for b in found),
        )
    if not all(each.get("good", True) for each in found):
        raise typer.Exit(Exit.FAILED)


@app.command()
def restore(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The backup; by default the newest good one.")] = "",
    dry_run: DryRun = False,
    force: Annotated[bool, typer.Option(help="Restore although the database is sound.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Restore a backup; the former file is kept and deletions since then are applied."""
    session = session_of(context)
    if force and not dry_run:
        confirm("Restore, and lose the changes since the backup?", yes=yes)
    request = {"backup": name, "dry_run": dry_run, "force": force}
    _show(session, _repair(session, "restore", request), dry_run=dry_run)


@app.command()
def recover(context: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Merge the readable part of a damaged database with the newest good backup.

    Works also when the database is too damaged for the service to start.
    """
    session = session_of(context)
    _show(session, _repair(session, "recover", {"dry_run": dry_run}), dry_run=dry_run)


@app.command()
def merge(
    context: typer.Context,
    backup: Annotated[Path, typer.Option(help="A backup of the database.")],
    recovery: Annotated[Path, typer.Option(help="What `sqlite3 .recover` could read.")],
    output: Annotated[Path, typer.Option(help="The new database; no service may use it.")],
    json: Json = False,
) -> None:
    """Merge a backup with a recovered database, taking the newer version of each document."""
    from trimtab.kernel.clock import SystemClock
    from trimtab.knowledge.maintenance.offline_repair import merge_databases

    session = session_of(context)
    if is_answering(output.parent):
        raise Conflict(
            f"A service uses the data directory {output.parent}.",
            hint="Stop it first, or use `trimtab knowledge recover`, which works while it runs.",
        )
    with waiting("merging the databases"):
        result = merge_databases(backup, recovery, output, SystemClock())
    _show(session, {"restored": True, **result.as_dict()}, dry_run=False)


@app.command()
def scaffold(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder of the runbook's commands.")],
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write the runbook's scripts and Python names into a folder; replaces nothing."""
    from trimtab.cli.compat.knowledge_base import link_audit_log, write_files

    session = session_of(context)
    written = list(write_files(folder, dry_run=dry_run))
    if not session.url:
        data_dir = _meant_directory(session)
        written += link_audit_log(folder, data_dir, dry_run=dry_run)
    files = [{"file": name, "new": is_new} for name, is_new in written]
    if printed_as_json(session, {"files": files, "dry_run": dry_run}):
        return
    for name, is_new in written:
        verb = ("would write" if dry_run else "wrote") if is_new else "kept"
        typer.echo(f"{verb} {name}")


def _meant_directory(session: Session) -> Path:
    """Return the data directory that commands reach, or would when its service runs."""
    try:
        running = session.running_directory()
    except TrimtabError:
        running = None
    return running or session.settings.service.data_dir


def _repair(session: Session, verb: str, request: dict[str, Any]) -> dict[str, Any]:
    with waiting("building a database next to the one in use"):
        try:
            body: dict[str, Any] = session.client.call(
                "POST", f"/v1/knowledge/{verb}", body=request
            )
        except Corrupt:
            if session.settings.service.database_url:
                raise  # There is no file to repair: the message names what to do on the server.
            # The service could not be built, so the closed database file is repaired.
            return _closed(
                session, str(request.get("backup", "")), dry_run=bool(request["dry_run"])
            )
        return body


def _closed(session: Session, backup: str, *, dry_run: bool) -> dict[str, Any]:
    from trimtab.infra.storage import DataDirectory
    from trimtab.kernel.clock import SystemClock
    from trimtab.knowledge.maintenance.offline_repair import repair_closed

    with DataDirectory(session.settings.service.data_dir) as data:
        done = repair_closed(
            data, session.settings.knowledge, SystemClock(), backup, dry_run=dry_run
        )
    return {"restored": not dry_run, **done.as_dict()}


def _show(session: Session, body: dict[str, Any], *, dry_run: bool) -> None:
    if printed_as_json(session, body):
        return
    if "report" not in body:
        print_line(body["reason"])
        return
    print_line(f"{'Would restore' if dry_run else 'Restored'} {body['source']}.")
    print_line(
        f"{body['documents']} documents, {body['recovered']} of them read from the damaged file."
    )
    print_line(f"{body['report']}.", "bold yellow" if body["lost"] else "")
    if body["lost_from"]:
        print_line(f"They are from {body['lost_from']} to {body['lost_to']}.")
    if body["kept_as"]:
        print_line(f"The former file is kept as {body['kept_as']}.", "dim")


def _verdict(backup: dict[str, Any], check: bool) -> tuple[str, ...]:
    return ("yes" if backup["good"] else "no", backup["problem"]) if check else ()
