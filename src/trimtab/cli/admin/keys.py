"""`keys`: create, list, rotate and revoke API keys."""

from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Yes, confirm, session_of

app = typer.Typer(no_args_is_help=True)


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who or what the key is for.")],
    role: Annotated[
        str,
        typer.Option(
            help="reader, reviewer, operator or admin, each includes the former; or alerts."
        ),
    ] = "reader",
    project: Annotated[
        list[str] | None,
        typer.Option(help="A project it is for; repeatable. None means all projects."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="An access label that it gets; repeatable. None sees no labelled document."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Create a key; it is shown once."""
    session = session_of(context)
    asked = {"name": name, "role": role, "projects": project or [], "labels": label or []}
    body = session.client.call("POST", "/v1/keys", body=asked)
    if not printed_as_json(session, body):
        print_line(body["key"])


_WHEN = ("created_at", "last_used_at", "revoked_at")


@app.command("list")
def list_keys(context: typer.Context, json: Json = False) -> None:
    """List all keys, without the keys themselves."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/keys")
    if not printed_as_json(session, body):
        print_table(
            ("name", "role", "projects", "labels", "created", "last used", "revoked"),
            (
                (
                    key["name"],
                    key["role"],
                    " ".join(key["projects"]) or "all",
                    " ".join(key["labels"]),
                    *(key[when] for when in _WHEN),
                )
                for key in body["keys"]
            ),
        )


@app.command("revoke")
def revoke(context: typer.Context, name: str, yes: Yes = False, json: Json = False) -> None:
    """Revoke a key at once."""
    session = session_of(context)
    confirm(f"Revoke the key {name}? Its requests are refused from then on.", yes=yes)
    session.client.call("DELETE", f"/v1/keys/{name}")
    if not printed_as_json(session, {"name": name, "revoked": True}):
        print_line(f"The key {name} is revoked.")


@app.command("rotate")
def rotate(context: typer.Context, name: str, yes: Yes = False, json: Json = False) -> None:
    """Replace a key by a new one of the same name and role; it is shown once."""
    session = session_of(context)
    confirm(f"Replace the key {name}? The present one is revoked.", yes=yes)
    body = session.client.call("POST", f"/v1/keys/{name}/rotate")
    if not printed_as_json(session, body):
        print_line(body["key"])


@app.command("review")
def review(context: typer.Context, json: Json = False) -> None:
    """List active keys; exit 1 if one is too old or unused."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/keys/review")
    if not printed_as_json(session, body):
        print_table(
            ("name", "role", "age in days", "unused for", "problems"),
            (
                (k["name"], k["role"], k["age_days"], k["unused_days"], "; ".join(k["problems"]))
                for k in body["keys"]
            ),
        )
    if any(key["problems"] for key in body["keys"]):
        raise typer.Exit(Exit.FAILED)
