"""What can be done about the servers of vectors."""

from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)
from trimtab.knowledge.engines.engines import Engines


def actions(engines: Engines) -> tuple[Action, ...]:
    """Return every action."""

    def chosen(given: Arguments) -> list[str]:
        return [str(given["engine"])] if given["engine"] else list(engines.opened())

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        up = {name: engines.reconnect(name) for name in chosen(given)}
        silent = [name for name, answers in up.items() if not answers]
        said = f"no answer from {', '.join(silent)}" if silent else "all answer"
        text = f"Reconnected to {len(up)} servers; {said}."
        return ActionResult(text, {"up": up}, changes=bool(up))

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        up = {name: engines.engine(name).up for name in chosen(given)}
        text = f"The connections to {len(up)} servers would be renewed."
        return ActionResult(text, {"up": up}, changes=bool(up))

    return (
        Action(
            "knowledge.engine.reconnect",
            "Drop the connections to the servers of vectors, look the addresses up again, and ask at once.",
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
        ),
    )
