"""`models list`, `versions`, `show`, `log`, `verify`, `request`: look at the registry."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import (
    format_time,
    print_json,
    print_line,
    print_table,
    printed_as_json,
)
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Session, session_of
from trimtab.kernel.errors import InvalidInput

app = typer.Typer()

_ALIASES = ("production", "candidate", "previous")


@app.command(name="list")
def list_models(context: typer.Context, json: Json = False) -> None:
    """List the models and the version that serves."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/models")
    if printed_as_json(session, body):
        return
    if not body["models"]:
        print_line("No model is registered: `trimtab models register` adds one.")
        return
    print_table(
        ("name", "versions", *_ALIASES),
        (
            (row["name"], row["versions"], *(row["aliases"].get(alias) for alias in _ALIASES))
            for row in body["models"]
        ),
    )


@app.command()
def versions(context: typer.Context, name: str, json: Json = False) -> None:
    """List the versions of a model and its aliases."""
    session = session_of(context)
    body = session.client.call("GET", f"/v1/models/{name}/versions")
    if not printed_as_json(session, body):
        print_table(
            ("version", "aliases", "flavour", "registered", "by", "sha256"),
            (
                (
                    row["version"],
                    ", ".join(row["aliases"]),
                    row["flavour"],
                    format_time(row["registered_at"]),
                    row["registered_by"],
                    row["sha256"][:12],
                )
                for row in body["versions"]
            ),
        )


@app.command()
def show(
    context: typer.Context, name: str, version: str = "production", json: Json = False
) -> None:
    """Show one version: columns, metrics, libraries, files."""
    session = session_of(context)
    body = session.client.call("GET", f"/v1/models/{name}/versions/{version}")
    if printed_as_json(session, body):
        return
    manifest = body["manifest"]
    aliases = ", ".join(body["aliases"])
    print_line(f"{name}@{body['version']}{f' ({aliases})' if aliases else ''}", style="bold")
    facts = {
        "flavour": manifest["flavour"],
        "sha256 of the manifest": body["sha256"],
        "registered": f"{format_time(body['registered_at'])} by {body['registered_by']}",
        "parent": manifest["parent"] or "none",
        "training data": manifest["data_sha256"] or "unknown",
        "classes": ", ".join(manifest["classes"]) or "none (a regression)",
        "golden batch": f"{len(manifest['golden']['rows'])} rows",
        "libraries": ", ".join(f"{k} {v}" for k, v in manifest["libraries"].items()) or "unknown",
        "metrics": ", ".join(f"{k} {v:g}" for k, v in manifest["metrics"].items()) or "none",
    }
    for label, value in facts.items():
        print_line(f"{label}: {value}")
    for file, digest in manifest["files"].items():
        print_line(f"file {file}: {digest}")
    print_table(
        ("column", "kind", "required"),
        ((c["name"], c["kind"], c["required"]) for c in manifest["schema"]["columns"]),
    )


@app.command()
def log(context: typer.Context, name: str, json: Json = False) -> None:
    """List who moved which alias, when and why, newest first."""
    session = session_of(context)
    body = session.client.call("GET", f"/v1/models/{name}/log")
    if not printed_as_json(session, body):
        print_table(
            ("at", "alias", "from", "to", "by", "reason"),
            (
                (
                    format_time(move["at"]),
                    move["alias"],
                    move["previous"],
                    move["version"],
                    move["actor"],
                    move["reason"],
                )
                for move in body["moves"]
            ),
        )


@app.command()
def verify(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The model; without it, the files of all.")] = "",
    repair: Annotated[
        bool, typer.Option("--repair", help="Fetch damaged files from `models.artifacts_url`.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(help="Check the files of a folder instead, such as /models.", exists=True),
    ] = None,
    json: Json = False,
) -> None:
    """Check files, signature and golden batch of what serves; exit 1 if something differs.

    Without a name: kind, SHA-256 and library version of every file, that of embeddings included.
    """
    session = session_of(context)
    if repair and not name:
        raise InvalidInput("--repair needs the name of a model.")
    if folder is not None:
        _show_files(session, _checked_folder(session, folder))
    elif name:
        _verify_one(session, name, "repair" if repair else "verify")
    else:
        _show_files(session, session.client.call("GET", "/v1/model-files"))


def _verify_one(session: Session, name: str, verb: str) -> None:
    body = session.client.call("POST", f"/v1/models/{name}/{verb}")
    if not printed_as_json(session, body):
        for version in body["repaired"]:
            print_line(f"{version}: its files were fetched again.")
        for problem in body["problems"]:
            print_line(problem, style="red")
        if body["intact"]:
            print_line(f"{name}: files, signatures and golden batches are as registered.")
    if not body["intact"]:
        raise typer.Exit(Exit.FAILED)


def _checked_folder(session: Session, folder: Path) -> dict[str, Any]:
    """Return the checks of files that belong to no version; needs no service."""
    from trimtab.models.verification import check_folder

    found = check_folder(folder, int(session.settings.models.max_artifact_mb * 1e6))
    return {
        "intact": not any(check.problem for check in found),
        "files": [asdict(check) for check in found],
    }


def _show_files(session: Session, body: dict[str, Any]) -> None:
    if not printed_as_json(session, body):
        columns = ("owner", "file", "kind", "size", "library", "saved_with", "installed")
        print_table(
            (*columns, "sha256", "problem"),
            (
                (*(each[name] for name in columns), each["sha256"][:12], each["problem"] or "none")
                for each in body["files"]
            ),
        )
        for fix in sorted({each["fix"] for each in body["files"] if each["fix"]}):
            print_line(fix, style="yellow")
    if not body["intact"]:
        raise typer.Exit(Exit.FAILED)


@app.command()
def request(context: typer.Context, request_id: str, json: Json = False) -> None:
    """Show which version and which bytes answered a request."""
    session = session_of(context)
    body: dict[str, Any] = session.client.call("GET", f"/v1/models/requests/{request_id}")
    if printed_as_json(session, body):
        return
    for found in body["results"]:
        print_line(
            f"{format_time(found['timestamp'])} {found['model']}: {found['outcome']} by"
            f" {found['served_by'] or 'nothing'} in {found['latency_ms']:g} ms",
            style="bold",
        )
        print_line(f"sha256 of the manifest: {found['sha256'] or 'none'}")
        for file, digest in found["files"].items():
            print_line(f"file {file}: {digest}")
        print_json(found["outputs"])
