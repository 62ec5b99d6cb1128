"""Runs an act in a thread of its own and gives it up at its time limit."""

import threading
from collections.abc import Callable

from trimtab.kernel.errors import TrimtabError, Unavailable
from trimtab.kernel.operable import ActionResult


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
    """Return what the act returns, or raise what it raises.

    A thread cannot be ended from outside: an act that is given up may still end, and is reported then.

    Args:
        act: What to run.
        limit_seconds: In real seconds; a service whose clock runs faster has as much work to do.
        name: Of the action, for messages.
        ended_late: Called with how it ended, when it ends after it was given up.

    Raises:
        ActTimedOut: It did not end in time.
    """
    outcome: list[ActionResult | BaseException] = []
    ended, decide = threading.Event(), threading.Lock()
    given_up = False

    def work() -> None:
        try:
            result: ActionResult | BaseException = act()
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, which raises it.
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


def why(error: BaseException) -> str:
    """Return an error for the journal: message and hint, or type and text."""
    if isinstance(error, TrimtabError):
        return f"{error.message} {error.hint()}".strip()
    return f"{type(error).__name__}: {error}"
