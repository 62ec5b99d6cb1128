"""`knowledge move` and `re-embed`: give a project another engine or embedder while it is in use."""

from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json, progress_bar
from trimtab.cli.runtime.errors import Exit, Refused
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
    path = f"/api/v1/projects/{project}/move"
    result = _follow(session, path, {"to": to, "dry_run": dry_run})
    if not printed_as_json(session, result):
        print_line(_sentence(result))


@app.command("re-embed")
def re_embed(
    context: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's name.")],
    embedder: Annotated[str, typer.Option(help="standard or multilingual.")],
    json: Json = False,
) -> None:
    """Make a project's vectors with another embedder; the old ones are used until all are there.

    Ctrl-C ends the command. A running service continues; otherwise the next call continues.
    """
    session = session_of(context)
    path = f"/api/v1/projects/{project}/re-embed"
    result = _follow(session, path, {"embedder": embedder})
    if not printed_as_json(session, result):
        print_line(_change(result))
    if not result["complete"]:
        raise typer.Exit(Exit.TRY_LATER)


def _follow(session: Session, path: str, request: dict[str, object]) -> dict[str, Any]:
    # Starts the app when it is built in this process; a stream alone does not.
    session.client.call("GET", "/api/v1/projects")
    with progress_bar() as bar:
        task = bar.add_task("asking", total=None)
        for line in session.client.lines(path, request):
            if "error" in line:
                raise Refused(line["error"])
            if "result" in line:
                found: dict[str, Any] = line["result"]
                return found
            at = line["progress"]
            step = at.get("step", "embed")
            bar.update(task, description=step, completed=at["done"], total=at["total"])
    raise Refused({"message": "The stream ended before the work was done.", "hint": "Try again."})


def _change(result: dict[str, Any]) -> str:
    project, target = result["project"], result["target"]
    if result["source"] == target:
        return f"{project} has the embedder {target} already."
    if not result["complete"]:
        return f"Stopped after {result['made']} passages; the next call continues."
    return (
        f"{project} has the embedder {target} now: {result['passages']} passages, "
        f"{result['made']} of them embedded in {result['seconds']:.1f} s."
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
