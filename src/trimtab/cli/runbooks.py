"""`runbooks`: the library, and whether a page is right."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import console, print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit, Refused
from trimtab.cli.runtime.session import Json, Session, session_of
from trimtab.kernel.errors import InvalidInput

app = typer.Typer(no_args_is_help=True)

_PROOF = {True: "proven", False: "not proven", None: ""}
_PROCEDURE = {"title": "", "proven": None, "repair": "person"}
"""Row of a procedure, which has no causes."""


@app.command("list")
def list_runbooks(context: typer.Context, json: Json = False) -> None:
    """List all runbooks with their causes."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/runbooks")
    if not printed_as_json(session, body):
        print_table(
            ("runbook", "severity", "cause", "proof", "repaired by"),
            (
                (
                    book["id"],
                    book.get("severity", ""),
                    cause["title"],
                    _PROOF[cause["proven"]],
                    cause["repair"],
                )
                for book in body["runbooks"]
                for cause in book.get("causes", [_PROCEDURE])
            ),
        )


@app.command("revisions")
def revisions(context: typer.Context, json: Json = False) -> None:
    """List version, date, owner and next review of each page; exit 1 when a review is overdue."""
    session = session_of(context)
    body = session.client.call("GET", "/v1/runbooks/revisions")
    if not printed_as_json(session, body):
        print_table(
            ("runbook", "version", "date", "owner", "next review", "newest change"),
            (_revision_row(each) for each in body["pages"]),
        )
    if any(each["overdue"] or each["revision"] is None for each in body["pages"]):
        raise typer.Exit(Exit.FAILED)


def _revision_row(page: dict[str, Any]) -> tuple[str, ...]:
    found = page["revision"]
    if found is None:
        return (page["id"], "", "", "", "no revision is recorded", "")
    review = f"{found['next_review']}{' overdue' if page['overdue'] else ''}"
    return (
        page["id"],
        found["version"],
        found["date"],
        found["owner"],
        review,
        found["changes"][0],
    )


@app.command("show")
def show(context: typer.Context, runbook: str, json: Json = False) -> None:
    """Show a page."""
    session = session_of(context)
    body = session.client.call("GET", f"/v1/runbooks/{runbook}")
    if printed_as_json(session, body):
        return
    from rich.markdown import Markdown

    console().print(Markdown(body["text"].split("---\n", 2)[-1]))


@app.command("lint")
def lint(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Pages, or folders of them; without any the service's own library."),
    ] = None,
    json: Json = False,
) -> None:
    """Check blocks and statements of pages against this service; exit 1 on a finding."""
    session = session_of(context)
    commands = {
        path: sorted(options)
        for path, options in command_options(context.find_root().command).items()
    }
    results = [
        _checked(session, name, text, commands, folder)
        for name, text, folder in _texts(session, paths)
    ]
    if not printed_as_json(session, {"pages": results}):
        for result in results:
            _print_result(result)
    if not all(result["ok"] and not result["claims"] for result in results):
        raise typer.Exit(Exit.FAILED)


def command_options(command: Any, path: str = "") -> dict[str, frozenset[str]]:
    """Return every command below this one, such as ``gates drift``, with its options."""
    options = {each for param in command.params for each in (*param.opts, *param.secondary_opts)}
    found = {path: frozenset({*options, "--help"})}
    # The mapping of a lazy group imports each command, `get_command` only describes it.
    for name, below in getattr(command, "commands", {}).items():
        found |= command_options(below, f"{path} {name}".strip())
    return found


def _texts(session: Session, paths: list[Path] | None) -> Iterator[tuple[str, str, Path]]:
    """Yield each page's name, text and folder."""
    if paths:
        for file in (file for path in paths for file in _pages(path)):
            yield str(file), _read(file), file.parent
        return
    for book in session.client.call("GET", "/v1/runbooks")["runbooks"]:
        page = session.client.call("GET", f"/v1/runbooks/{book['id']}")
        yield page["path"], page["text"], Path.cwd()


def _checked(
    session: Session, name: str, text: str, commands: dict[str, list[str]], folder: Path
) -> dict[str, Any]:
    request = {"text": text, "path": name, "commands": commands}
    try:
        found = session.client.call("POST", "/v1/runbooks/lint", body=request)
    except Refused as refused:
        return {"path": name, "ok": False, "claims": [], **refused.error}
    # The service cannot see the user's own files, next to the page or in the working folder.
    claims = [claim for claim in found["claims"] if not _is_own_file(claim, folder)]
    return {"path": name, **found, "claims": claims}


def _is_own_file(claim: dict[str, Any], folder: Path) -> bool:
    from trimtab.runbooks.claims import NO_FILE

    path = str(claim["named"]).partition("#")[0]
    return claim["problem"] == NO_FILE and any(
        (place / path).exists() for place in (folder, Path.cwd())
    )


def _print_result(result: dict[str, Any]) -> None:
    if not result["ok"]:
        print_line(f"{result['message']}\n  {result['hint']}", style="red")
    elif not result["claims"]:
        print_line(f"{result['path']}: ok ({result['id']})", style="green")
    for claim in result["claims"]:
        place = f"{result['path']}:{claim['line']}"
        print_line(f"{place}: `{claim['named']}`: {claim['problem']}", style="red")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{file} cannot be read as text: {error}.", hint="Give a Markdown page in UTF-8."
        ) from error


def _pages(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for file in sorted(path.rglob("*.md")) if file.name != "README.md"]
    if path.is_file():
        return [path]
    raise InvalidInput(f"There is no file or folder {path}.", hint="Check the path.")
