"""`rollback`: one command for each kind of rollback, with dry run, approval and verification."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Session, Yes, confirm, session_of
from trimtab.kernel.errors import InvalidInput, TrimtabError

app = typer.Typer()
_ROLLOUT_SECONDS = 300.0
_LOOK_SECONDS = 1.0


Kind = Annotated[
    str, typer.Argument(metavar="KIND", help="configuration, database, model or deployment.")
]
Name = Annotated[
    str,
    typer.Argument(
        help="The model, the backup's file name (with --ingest the project), or "
        "NAMESPACE/DEPLOYMENT."
    ),
]
Commit = Annotated[
    str, typer.Option(help="Configuration: take trimtab.toml of this git commit and restart.")
]
Folder = Annotated[
    Path | None,
    typer.Option(help="Database: delete all documents of the project, and ingest this folder."),
]
Owner = Annotated[str, typer.Option(help="With --ingest: the user who owns the documents.")]


class RollbackKind(StrEnum):
    """Kind of a rollback, by what it changes."""

    CONFIGURATION = "configuration"
    DATABASE = "database"
    MODEL = "model"
    DEPLOYMENT = "deployment"


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """Facts about a rollback: its effect, how to do it, and how to see that it worked."""

    summary: str
    facts: dict[str, Any]
    run: Callable[[], dict[str, Any]]
    verify: Callable[[dict[str, Any]], tuple[bool, str]]


@app.command()
def rollback(
    context: typer.Context,
    what: Kind,
    name: Name = "",
    commit: Commit = "",
    ingest: Folder = None,
    user_id: Owner = "",
    dry_run: Annotated[
        bool, typer.Option(help="Say what would change, and change nothing.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Roll back configuration, database, model or deployment: approval, act, verification.

    Without a cluster a deployment is rolled back by a person; the command checks that it can be,
    and says how.
    """
    session, kind = session_of(context), _kind(what)
    _check_options(kind, commit, ingest)
    if kind is RollbackKind.DEPLOYMENT and not name:
        _by_a_person(session)
        return
    plan = (
        _plan(session, kind, name, commit)
        if ingest is None
        else _documents(session, name, ingest, user_id)
    )
    if dry_run:
        if not printed_as_json(session, {"dry_run": plan.facts}):
            print_line(plan.summary)
        return
    if not session.json:
        print_line(plan.summary)
    confirm(f"Roll back the {kind}?", yes=yes)
    done = plan.run()
    verified, detail = plan.verify(done)
    if not printed_as_json(session, {"done": done, "verified": verified, "detail": detail}):
        print_line(str(done["summary"]))
        print_line(f"{'Verified' if verified else 'NOT verified'}: {detail}")
    if not verified:
        raise typer.Exit(Exit.FAILED)


def _check_options(kind: RollbackKind, commit: str, ingest: Path | None) -> None:
    if commit and kind is not RollbackKind.CONFIGURATION:
        raise InvalidInput(f"A {kind} has no commit; --commit is for configuration.")
    if ingest is not None and kind is not RollbackKind.DATABASE:
        raise InvalidInput(f"A {kind} has no documents; --ingest is for the database.")


def _kind(text: str) -> RollbackKind:
    try:
        return RollbackKind(text)
    except ValueError:
        hint = f"Write one of: {', '.join(RollbackKind)}."
        raise InvalidInput(f"{text!r} cannot be rolled back.", hint=hint) from None


def _plan(session: Session, kind: RollbackKind, name: str, commit: str) -> RollbackPlan:
    if kind is RollbackKind.CONFIGURATION and name:
        raise InvalidInput("The newest change of the configuration is rolled back; it has no name.")
    if commit:
        return _settings_file(session, commit)
    if kind is RollbackKind.DATABASE:
        return _database(session, name)
    if kind is RollbackKind.MODEL:
        given = {"name": name} if name else {}
        return _action(session, "models.rollback", given, lambda done: _model(session, done))
    if kind is RollbackKind.DEPLOYMENT:
        return _deployment(session, name)
    return _action(session, "service.change.rollback", {}, lambda _: _health(session))


def _action(
    session: Session,
    action: str,
    arguments: dict[str, Any],
    verify: Callable[[dict[str, Any]], tuple[bool, str]],
) -> RollbackPlan:
    def call(*, dry_run: bool) -> dict[str, Any]:
        body = {"arguments": arguments, "dry_run": dry_run, "approve": not dry_run}
        found: dict[str, Any] = session.client.call("POST", f"/v1/actions/{action}", body=body)
        return found

    planned = call(dry_run=True)
    return RollbackPlan(str(planned["summary"]), planned, lambda: call(dry_run=False), verify)


def _database(session: Session, backup: str) -> RollbackPlan:
    """Go back to a backup, also from a sound database whose documents are wrong."""

    def call(**options: bool) -> dict[str, Any]:
        body = {"backup": backup, **options}
        found: dict[str, Any] = session.client.call("POST", "/v1/knowledge/restore", body=body)
        return found

    def run() -> dict[str, Any]:
        done = call(force=True)
        return {**done, "summary": f"Restored {done['source']}. {done['report']}."}

    planned = call(dry_run=True)
    summary = f"The database would go back to {planned['source']}, {planned['documents']} documents"
    lost = planned["report"]
    return RollbackPlan(f"{summary}. {lost}.", planned, run, lambda _: _checked(session))


def _documents(session: Session, project: str, folder: Path, user_id: str) -> RollbackPlan:
    """Delete all documents of a project and ingest a folder: for documents that are wrong."""
    from trimtab.cli.knowledge.reingestion import Reingestion

    if not project:
        raise InvalidInput("--ingest needs the name of a project, before or after it.")
    again = Reingestion.of(session, project, folder, user_id)
    return RollbackPlan(again.summary, again.facts, again.run, again.verify)


def _checked(session: Session) -> tuple[bool, str]:
    body: dict[str, Any] = {"arguments": {}}
    check = session.client.call("POST", "/v1/actions/knowledge.database.check", body=body)
    return not check["facts"]["problems"], str(check["summary"])


def _model(session: Session, done: dict[str, Any]) -> tuple[bool, str]:
    if not done["undo_arguments"]:
        return True, "nothing had to change"
    model = done["undo_arguments"]["name"]
    try:
        session.client.call("GET", f"/v1/models/{model}/health")
    except TrimtabError as error:
        return False, f"{model} does not answer: {error.message}"
    return True, f"{model} answers"


def _health(session: Session) -> tuple[bool, str]:
    health = session.client.call("GET", "/health")
    return health["status"] != "down", f"the service is {health['status']}"


def _settings_file(session: Session, commit: str) -> RollbackPlan:
    from trimtab.cli.settings_file import NAME, FormerSettings

    former = FormerSettings.of(session.config or Path(NAME), commit)
    names = former.changes()
    running = bool(session.url) or session.running_directory() is not None
    then = "the service would restart" if running else "no service runs that would restart"
    summary = f"{former.file} would be that of {commit} ({', '.join(names) or 'the same'}); {then}."

    def run() -> dict[str, Any]:
        from trimtab.cli.restart import restart_and_wait

        kept = former.write()
        if running:
            restart_and_wait(session)
        text = f"{former.file} is that of {commit}; the one before is {kept.name}."
        return {"summary": text, "settings": names, "kept_as": str(kept), "restarted": running}

    def verify(_: dict[str, Any]) -> tuple[bool, str]:
        return _health(session) if running else (True, "the settings can be loaded")

    return RollbackPlan(summary, {"settings": names, "restarts": running}, run, verify)


def _deployment(session: Session, name: str) -> RollbackPlan:
    namespace, _, workload = name.rpartition("/")
    given = {"name": workload, **({"namespace": namespace} if namespace else {})}
    return _action(session, "k8s.rollback", given, lambda _: _rolled_out(session, given))


def _rolled_out(session: Session, workload: dict[str, Any]) -> tuple[bool, str]:
    body = {"arguments": workload}
    ends = time.monotonic() + _ROLLOUT_SECONDS
    while True:
        found = session.client.call("POST", "/v1/actions/k8s.rollout_status", body=body)
        complete = bool(found["facts"]["complete"])
        if complete or time.monotonic() > ends:
            return complete, str(found["summary"])
        time.sleep(_LOOK_SECONDS)


def _by_a_person(session: Session) -> None:
    body = session.client.call("POST", "/v1/tasks/rollback")
    if not printed_as_json(session, body):
        for task in body["tasks"]:
            print_line(f"{'pass' if task['passed'] else 'DO  '} {task['id']}: {task['detail']}")
            if task["todo"]:
                print_line(f"     {task['todo']}")
        print_line("A person installs the former release; the page rollback says how.")
    raise typer.Exit(Exit.NEEDS_A_PERSON)
