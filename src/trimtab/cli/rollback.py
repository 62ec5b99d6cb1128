"""`rollback`: one command for each kind of rollback, with dry run, approval and verification."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Session, Yes, confirm, session_of
from trimtab.kernel.errors import InvalidInput, TrimtabError

app = typer.Typer()


class RollbackKind(StrEnum):
    """Kind of a rollback, by what it changes."""

    CONFIGURATION = "configuration"
    DATABASE = "database"
    MODEL = "model"
    DEPLOYMENT = "deployment"


_ACTIONS = {
    RollbackKind.CONFIGURATION: "service.change.rollback",
    RollbackKind.DATABASE: "knowledge.database.restore",
    RollbackKind.MODEL: "models.rollback",
}


@app.command()
def rollback(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(metavar="KIND", help="configuration, database, model or deployment."),
    ],
    name: Annotated[
        str, typer.Argument(help="The model, or the backup's file name; empty chooses it.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option(help="Say what would change, and change nothing.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Roll back configuration, database or model: dry run, approval, act, verification.

    A deployment is rolled back by a person; the command checks that it can be, and says how.
    """
    session, kind = session_of(context), _kind(what)
    if kind is RollbackKind.DEPLOYMENT:
        _deployment(session)
        return
    arguments = _arguments(kind, name)
    planned = _act(session, kind, arguments, dry_run=True)
    if dry_run:
        if not printed_as_json(session, {"dry_run": planned}):
            print_line(planned["summary"])
        return
    if not session.json:
        print_line(planned["summary"])
    confirm(f"Roll back the {kind}?", yes=yes)
    done = _act(session, kind, arguments, dry_run=False)
    verified, detail = _verify(session, kind, done)
    if not printed_as_json(session, {"done": done, "verified": verified, "detail": detail}):
        print_line(done["summary"])
        print_line(f"{'Verified' if verified else 'NOT verified'}: {detail}")
    if not verified:
        raise typer.Exit(Exit.FAILED)


def _kind(text: str) -> RollbackKind:
    try:
        return RollbackKind(text)
    except ValueError:
        hint = f"Write one of: {', '.join(RollbackKind)}."
        raise InvalidInput(f"{text!r} cannot be rolled back.", hint=hint) from None


def _arguments(kind: RollbackKind, name: str) -> dict[str, str]:
    if kind is RollbackKind.CONFIGURATION and name:
        raise InvalidInput("The newest change of the configuration is rolled back; it has no name.")
    key = "backup" if kind is RollbackKind.DATABASE else "name"
    return {key: name} if name else {}


def _act(
    session: Session, kind: RollbackKind, arguments: dict[str, str], *, dry_run: bool
) -> dict[str, Any]:
    body = {"arguments": arguments, "dry_run": dry_run, "approve": not dry_run}
    found: dict[str, Any] = session.client.call("POST", f"/v1/actions/{_ACTIONS[kind]}", body=body)
    return found


def _verify(session: Session, kind: RollbackKind, done: dict[str, Any]) -> tuple[bool, str]:
    """Return whether the service is sound afterwards, and how that was found."""
    if kind is RollbackKind.DATABASE:
        body: dict[str, Any] = {"arguments": {}}
        check = session.client.call("POST", "/v1/actions/knowledge.database.check", body=body)
        return not check["facts"]["problems"], str(check["summary"])
    if kind is RollbackKind.MODEL and done["undo_arguments"]:
        model = done["undo_arguments"]["name"]
        try:
            session.client.call("GET", f"/v1/models/{model}/health")
        except TrimtabError as error:
            return False, f"{model} does not answer: {error.message}"
        return True, f"{model} answers"
    health = session.client.call("GET", "/health")
    return health["status"] != "down", f"the service is {health['status']}"


def _deployment(session: Session) -> None:
    body = session.client.call("POST", "/v1/tasks/rollback")
    if not printed_as_json(session, body):
        for task in body["tasks"]:
            print_line(f"{'pass' if task['passed'] else 'DO  '} {task['id']}: {task['detail']}")
            if task["todo"]:
                print_line(f"     {task['todo']}")
        print_line("A person installs the former release; the page rollback says how.")
    raise typer.Exit(Exit.NEEDS_A_PERSON)
