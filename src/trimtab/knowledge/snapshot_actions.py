"""What can be done with snapshots of the search indexes."""

from collections.abc import Iterable

from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)
from trimtab.knowledge.service import Knowledge


def snapshot_actions(knowledge: Knowledge) -> Iterable[Action]:
    """Yield every action of snapshots."""
    snapshots = knowledge.snapshots

    def take(_: Arguments, __: ActionContext) -> ActionResult:
        made = snapshots.take()
        facts = {"snapshot": made.path.name, "bytes": made.size_bytes}
        return ActionResult(f"Took the snapshot {made.path.name}.", facts)

    def restore(given: Arguments, _: ActionContext) -> ActionResult:
        name, projects = snapshots.restore(str(given["snapshot"]))
        facts = {"snapshot": name, "projects": projects}
        return ActionResult(f"{projects} projects use their indexes of {name}.", facts)

    def could(_: Arguments, __: ActionContext) -> ActionResult:
        names = [found.path.name for found in snapshots.list()]
        text = f"The newest snapshot is {names[0]}." if names else "There is no snapshot yet."
        return ActionResult(text, {"snapshots": names})

    yield Action(
        "knowledge.snapshot.take",
        "Save the search indexes into today's snapshot, and remove snapshots that are too old.",
        Risk.AUTOMATIC,
        take,
        could,
        no_undo_because="a snapshot more does no harm",
        effect=Effect.REPEATABLE,
    )
    yield Action(
        "knowledge.snapshot.restore",
        "Use the search indexes of a snapshot; what changed since is brought in from the store.",
        Risk.AUTOMATIC,
        restore,
        could,
        params=(Param("snapshot", "string", "Its name; empty means the newest.", ""),),
        no_undo_because="an index holds nothing but what the store has",
        effect=Effect.REPEATABLE,
    )
