"""`runbooks`: the library, and whether a page would load."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit, Refused
from trimtab.cli.runtime.session import Json, session_of
from trimtab.kernel.errors import InvalidInput

app = typer.Typer(no_args_is_help=True)

_PROOF = {True: "proven", False: "not proven", None: ""}
_PROCEDURE = {"title": "", "proven": None, "repair": "person"}
"""Stands for the causes that a procedure has not."""


@app.command("list")
def list_runbooks(context: typer.Context, json: Json = False) -> None:
    """List all runbooks with the causes that they repair."""
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


@app.command("show")
def show(context: typer.Context, runbook: str, json: Json = False) -> None:
    """Show a page."""
    session = session_of(context)
    body = session.client.call("GET", f"/v1/runbooks/{runbook}")
    if printed_as_json(session, body):
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(body["text"].split("---\n", 2)[-1]))


@app.command("lint")
def lint(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Pages, or folders of them.")],
    json: Json = False,
) -> None:
    """Check pages against what this service can measure, do and break; exit 1 when one is wrong."""
    session = session_of(context)
    results = []
    for file in (file for path in paths for file in _pages(path)):
        request = {"text": file.read_text(encoding="utf-8"), "path": str(file)}
        try:
            found = session.client.call("POST", "/v1/runbooks/lint", body=request)
            results.append({"path": str(file), **found})
        except Refused as refused:
            results.append({"path": str(file), "ok": False, **refused.error})
    if not printed_as_json(session, {"pages": results}):
        for result in results:
            if result["ok"]:
                print_line(f"{result['path']}: ok ({result['id']})", style="green")
            else:
                print_line(f"{result['message']}\n  {result['hint']}", style="red")
    if not all(result["ok"] for result in results):
        raise typer.Exit(Exit.FAILED)


def _pages(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for file in sorted(path.rglob("*.md")) if file.name != "README.md"]
    if path.is_file():
        return [path]
    raise InvalidInput(f"There is no file or folder {path}.", hint="Check the path.")
