"""Actions on snapshots of the search indexes."""

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
    """Yield every action on snapshots."""
    yield _take(knowledge)
    yield _restore(knowledge)


def _take(knowledge: Knowledge) -> Action:
    snapshots = knowledge.snapshots

    def take(_: Arguments, __: ActionContext) -> ActionResult:
        taken = snapshots.take()
        facts = {"snapshot": taken.path.name, "bytes": taken.size_bytes}
        return ActionResult(f"Took the snapshot {taken.path.name}.", facts)

    def preview(_: Arguments, __: ActionContext) -> ActionResult:
        names = [found.path.name for found in snapshots.list()]
        files = knowledge.indexes.saved_files()
        size = sum(file.stat().st_size for file in files)
        return ActionResult(
            f"{len(files)} saved indexes of {size} bytes, and what was not saved yet, would be "
            f"copied into today's snapshot; the newest is {names[0] if names else 'none yet'}.",
            {"snapshots": names},
        )

    return Action(
        "knowledge.snapshot.take",
        "Save the search indexes into today's snapshot, and remove snapshots that are too old.",
        Risk.AUTOMATIC,
        take,
        preview,
        no_undo_because="a snapshot more does no harm",
        effect=Effect.REPEATABLE,
    )


def _restore(knowledge: Knowledge) -> Action:
    snapshots = knowledge.snapshots

    def restore(given: Arguments, _: ActionContext) -> ActionResult:
        name, projects = snapshots.restore(str(given["snapshot"]))
        facts = {"snapshot": name, "projects": projects}
        return ActionResult(f"{projects} projects use their indexes of {name}.", facts)

    def preview(given: Arguments, _: ActionContext) -> ActionResult:
        name, names = str(given["snapshot"]), [found.path.name for found in snapshots.list()]
        chosen = next((found for found in names if name in ("", found)), "")
        text = (
            f"Indexes would be read from {chosen}; how many are of use is unknown."
            if chosen
            else f"There is no snapshot {name or 'yet'}, so nothing would change."
        )
        return ActionResult(text, {"snapshots": names}, changes=bool(chosen))

    return Action(
        "knowledge.snapshot.restore",
        "Use the search indexes of a snapshot; what changed since is brought in from the store.",
        Risk.AUTOMATIC,
        restore,
        preview,
        params=(Param("snapshot", "string", "Its name; empty means the newest.", ""),),
        no_undo_because="an index holds nothing but what the store has",
        effect=Effect.REPEATABLE,
    )
