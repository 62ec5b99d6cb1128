"""`knowledge verify`, `backup`, `backups`, `restore`, `recover`: the operator's hand on the data's health."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Session, session
from trimtab.kernel.errors import Corrupt

DryRun = Annotated[bool, typer.Option(help="Only say what would happen.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (verify, backup, backups, restore, recover):
        app.command()(command)


def verify(context: typer.Context, json: Json = False) -> None:
    """Prove that what was deleted is in no table, index, cache, or backup made since."""
    this = session(context)
    with _waiting("reading every file"):
        body = this.client.call("POST", "/v1/knowledge/verify")
    if not printed_as_json(this, body):
        for violation in body["violations"]:
            print_line(violation, "bold red")
        print_line(
            f"{body['deletions']} deletions looked for in {len(body['files'])} files, in the indexes and the"
            f" caches: {'none found' if body['holds'] else 'some found'}."
        )
    if not body["holds"]:
        raise typer.Exit(Exit.FAILED)


def backup(context: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Take a backup now, and check it."""
    this = session(context)
    if dry_run:
        arguments = {"arguments": {}, "dry_run": True}
        body = this.client.call("POST", "/v1/actions/knowledge.backup.take", body=arguments)
        if not printed_as_json(this, {**body, "dry_run": True}):
            print_line(body["summary"])
        return
    with _waiting("backing up"):
        body = this.client.call("POST", "/v1/knowledge/backups")
    if not printed_as_json(this, body):
        print_line(f"{body['name']} is made and checked: {body['size_bytes'] / 1e6:.1f} MB.")


def backups(
    context: typer.Context,
    check: Annotated[bool, typer.Option(help="Read and check each of them.")] = False,
    json: Json = False,
) -> None:
    """List the backups, the newest first; exit code 1 when a checked one is damaged."""
    this = session(context)
    with _waiting("reading the backups" if check else ""):
        body = this.client.call("GET", "/v1/knowledge/backups", params={"check": check})
    found = body["backups"]
    if not printed_as_json(this, body):
        print_table(
            ("backup", "made", "MB", *(("good", "problem") if check else ())),
            ((b["name"], b["at"], b["size_bytes"] / 1e6, *_verdict(b, check)) for b in found),
        )
    if not all(one.get("good", True) for one in found):
        raise typer.Exit(Exit.FAILED)


def restore(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The backup; without one, the newest good.")] = "",
    dry_run: DryRun = False,
    force: Annotated[
        bool, typer.Option(help="Go back although the database in use is sound.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Go back to a backup. The former file is kept; what was deleted since stays deleted."""
    this = session(context)
    if force and not (dry_run or yes or this.json):
        typer.confirm("Go back, and lose what came since?", abort=True)
    wanted = {"backup": name, "dry_run": dry_run, "force": force}
    _show(this, _repaired(this, "restore", wanted), dry_run=dry_run)


def recover(context: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Put what can be read of a damaged database together with the newest good backup.

    Works also when the database is too damaged for the service to start.
    """
    this = session(context)
    _show(this, _repaired(this, "recover", {"dry_run": dry_run}), dry_run=dry_run)


def _repaired(this: Session, verb: str, wanted: dict[str, Any]) -> dict[str, Any]:
    with _waiting("building a database beside the one in use"):
        try:
            body: dict[str, Any] = this.client.call("POST", f"/v1/knowledge/{verb}", body=wanted)
        except Corrupt:
            # The service could not even be built: it is closed, and repaired as a file.
            return _closed(this, str(wanted.get("backup", "")), dry_run=bool(wanted["dry_run"]))
        return body


def _closed(this: Session, backup: str, *, dry_run: bool) -> dict[str, Any]:
    from trimtab.infra.storage import DataDirectory
    from trimtab.kernel.clock import SystemClock
    from trimtab.knowledge.maintenance.offline_repair import repair_closed

    with DataDirectory(this.settings.service.data_dir) as data:
        done = repair_closed(data, this.settings.knowledge, SystemClock(), backup, dry_run=dry_run)
    return {"restored": not dry_run, **done.as_dict()}


def _show(this: Session, body: dict[str, Any], *, dry_run: bool) -> None:
    if printed_as_json(this, body):
        return
    if "report" not in body:
        print_line(body["reason"])
        return
    print_line(f"{'Would go' if dry_run else 'Went'} back to {body['source']}.")
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


@contextmanager
def _waiting(what: str) -> Iterator[None]:
    """Show on a terminal's stderr that something is going on."""
    from rich.console import Console

    errors = Console(stderr=True)
    if not what or not errors.is_terminal:
        yield
        return
    with errors.status(what):
        yield
