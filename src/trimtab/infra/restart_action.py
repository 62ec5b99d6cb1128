"""Action that restarts one background task alone."""

from collections.abc import Callable

from trimtab.infra.restartable import RestartableTask
from trimtab.kernel.operable import Action, ActionContext, ActionResult, Arguments, Effect, Risk


def restart_action(
    name: str,
    text: str,
    task: Callable[[], RestartableTask],
    *others: Callable[[], RestartableTask],
) -> Action:
    """Return the action that restarts tasks; nothing that waits for them is lost.

    Args:
        name: Of the action.
        text: Its help.
        task: Returns the task when the action runs.
        others: Further tasks that are restarted with it.
    """
    tasks = (task, *others)

    def run(_: Arguments, __: ActionContext) -> ActionResult:
        restarted = [each().name for each in tasks if each().restart()]
        names = " and ".join(restarted) or "nothing: the service is ending"
        return ActionResult(f"Restarted {names}.", changes=bool(restarted))

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        names = " and ".join(each().name for each in tasks)
        return ActionResult(f"{names} would be restarted.")

    return Action(
        name,
        text,
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="its work continues where it was",
        effect=Effect.REPEATABLE,
    )
