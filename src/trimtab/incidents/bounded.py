"""Runs an action in its own thread with a time limit."""

import threading
from collections.abc import Callable

from trimtab.kernel.errors import TrimtabError, Unavailable
from trimtab.kernel.operable import Action, ActionContext, ActionResult, Arguments


class ActTimedOut(Unavailable):
    """An act did not end within its time limit; whether it took effect is unknown."""

    code = "incidents.act_timed_out"
    default_hint = "Look at what it was to change; restart the service when it still hangs."


def run_bounded(
    act: Callable[[], ActionResult],
    limit_seconds: float,
    name: str,
    ended_late: Callable[[str], None],
) -> ActionResult:
    """Run an action with a time limit; return its result or raise its error.

    A thread cannot be stopped: an action that finishes after its limit is reported then.

    Args:
        act: What to run.
        limit_seconds: In real seconds, also when the clock of the service runs faster.
        name: Name of the action, for messages.
        ended_late: Called with the result or error when the action finishes after its limit.

    Raises:
        ActTimedOut: It did not end in time.
    """
    outcome: list[ActionResult | BaseException] = []
    ended, decide = threading.Event(), threading.Lock()
    given_up = False

    def work() -> None:
        try:
            result: ActionResult | BaseException = act()
        # Handed to the waiting thread, which raises it.
        except BaseException as error:  # noqa: BLE001
            result = error
        with decide:
            outcome.append(result)
            late = given_up
        ended.set()
        if late:
            ended_late(result.summary if isinstance(result, ActionResult) else why(result))

    threading.Thread(target=work, name=f"act {name}", daemon=True).start()
    ended.wait(max(0.0, limit_seconds))
    with decide:
        given_up = not outcome
    if given_up:
        raise ActTimedOut(
            f"{name} did not end within {limit_seconds:g} s; whether it took effect is unknown."
        )
    found = outcome[0]
    if isinstance(found, Exception):
        raise found
    if isinstance(found, BaseException):
        raise RuntimeError(f"{name} tried to end the process: {type(found).__name__}")
    return found


def dry_run(action: Action, arguments: Arguments, context: ActionContext) -> ActionResult:
    """Return what an action would do, within its time limit."""
    limit = action.limit_seconds
    return run_bounded(
        lambda: action.dry_run(arguments, context), limit, action.name, lambda _: None
    )


def why(error: BaseException) -> str:
    """Return an error as text for the journal: message and hint, or type and text."""
    if isinstance(error, TrimtabError):
        return f"{error.message} {error.hint()}".strip()
    return f"{type(error).__name__}: {error}"
