"""`knowledge move`: move a project to another engine while it is in use."""

from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json, progress_bar
from trimtab.cli.runtime.errors import Refused
from trimtab.cli.runtime.session import Json, Session, session_of

app = typer.Typer()


@app.command()
def move(
    context: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's name.")],
    to: Annotated[str, typer.Option(help="embedded, postgres, chroma or qdrant.")],
    dry_run: Annotated[bool, typer.Option(help="Only show what would be moved.")] = False,
    json: Json = False,
) -> None:
    """Move a project to another engine; the old one is used until the new one is verified."""
    session = session_of(context)
    result = _move(session, project, {"to": to, "dry_run": dry_run})
    if not printed_as_json(session, result):
        print_line(_sentence(result))


def _move(session: Session, project: str, request: dict[str, object]) -> dict[str, Any]:
    # Starts the app when it is built in this process; a stream alone does not.
    session.client.call("GET", "/api/v1/projects")
    with progress_bar() as bar:
        task = bar.add_task("asking", total=None)
        for line in session.client.lines(f"/api/v1/projects/{project}/move", request):
            if "error" in line:
                raise Refused(line["error"])
            if "result" in line:
                found: dict[str, Any] = line["result"]
                return found
            at = line["progress"]
            bar.update(task, description=at["step"], completed=at["done"], total=at["total"])
    raise Refused(
        {"message": "The stream ended before the move was finished.", "hint": "Move again."}
    )


def _sentence(result: dict[str, Any]) -> str:
    project, passages = result["project"], result["passages"]
    if result["source"] == result["target"]:
        return f"{project} is in {result['target']} already."
    way = f"{project} with {passages} passages from {result['source']} to {result['target']}"
    if result["dry_run"]:
        return f"{way} would be moved."
    compared = f"{result['checked']} vectors"
    if result["searches"]:
        compared += f" and {result['searches']} searches ({result['agreement']:.1%} alike)"
    return f"Moved {way} in {result['seconds']:.1f} s; compared {compared}."
