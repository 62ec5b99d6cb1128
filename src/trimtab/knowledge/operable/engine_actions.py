"""Actions on vector servers."""

from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)
from trimtab.knowledge.engine_migration import ProjectMover
from trimtab.knowledge.engine_port import EMBEDDED
from trimtab.knowledge.engines.registry import Engines


def actions(engines: Engines, mover: ProjectMover) -> tuple[Action, ...]:
    """Return every action."""
    return (_reconnect(engines), _leave(engines, mover))


def _leave(engines: Engines, mover: ProjectMover) -> Action:
    def chosen(given: Arguments) -> list[tuple[str, str]]:
        named = str(given["engine"])
        return engines.projects_in({named} if named else engines.in_use())

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        found = chosen(given)
        for project, _engine in found:
            mover.move(project, EMBEDDED, lambda *_: None)
        pairs = ",".join(f"{project}={engine}" for project, engine in found)
        return ActionResult(
            f"{len(found)} projects are searched in this process again.",
            {"projects": dict(found)},
            {"projects": pairs} if found else None,
            changes=bool(found),
        )

    def undo(given: Arguments, _: ActionContext) -> ActionResult:
        pairs = [pair.partition("=") for pair in str(given["projects"]).split(",")]
        for project, _sign, engine in pairs:
            mover.move(project, engine, lambda *_: None)
        return ActionResult(f"{len(pairs)} projects are in their server again.")

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        found = chosen(given)
        names = ", ".join(project for project, _ in found) or "none"
        return ActionResult(
            f"{len(found)} projects ({names}) would be searched in this process.",
            {"projects": dict(found)},
            changes=bool(found),
        )

    return Action(
        "knowledge.engine.leave",
        "Search the projects of a server in this process, with the vectors of the database.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        params=(Param("engine", "string", "Which server; empty means every one in use.", ""),),
        undo=undo,
        effect=Effect.REVERSIBLE,
    )


def _reconnect(engines: Engines) -> Action:

    def chosen(given: Arguments) -> list[str]:
        return [str(given["engine"])] if given["engine"] else list(engines.opened())

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        up = {name: engines.reconnect(name) for name in chosen(given)}
        silent = [name for name, answers in up.items() if not answers]
        state = f"no answer from {', '.join(silent)}" if silent else "all answer"
        text = f"Reconnected to {len(up)} servers; {state}."
        return ActionResult(text, {"up": up}, changes=bool(up))

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        up = {name: engines.engine(name).up for name in chosen(given)}
        text = f"The connections to {len(up)} servers would be renewed."
        return ActionResult(text, {"up": up}, changes=bool(up))

    return Action(
        "knowledge.engine.reconnect",
        "Drop the connections to the vector servers, look up their addresses, and probe them.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        params=(
            Param(
                "engine",
                "string",
                "Which one: postgres, chroma or qdrant; empty means all.",
                "",
            ),
        ),
        no_undo_because="connections hold nothing",
        effect=Effect.REPEATABLE,
    )
