"""Restart of the whole service: it drains, ends in order, and starts again in the same process."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from trimtab.kernel.errors import Conflict
from trimtab.kernel.operable import Action, ActionContext, ActionResult, Arguments, Effect, Risk

_FILE = "restarted"
_ANSWER_SECONDS = 0.5
"""Time for the answer to the request that asked for the restart."""


class NoServiceToRestart(Conflict):
    """This process does not serve, so it cannot restart."""

    code = "service.nothing_to_restart"
    default_hint = "Start the service with `trimtab serve`."


class Restarts:
    """Ends the service so that it starts again.

    Args:
        folder: Keeps the key of the last restart, so that a plan that is resumed restarts once.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE
        self._stop: Callable[[], None] | None = None
        self.requested = False
        """Whether the process starts again instead of ending."""

    def serving(self, stop: Callable[[], None] | None = None) -> None:
        """Allow restarts from now on; ``stop`` ends the service in order."""
        self._stop = stop or (lambda: os.kill(os.getpid(), signal.SIGTERM))

    def request(self, key: str = "") -> bool:
        """Ask for a restart; return False when that of the key was done already.

        Raises:
            NoServiceToRestart: This process does not serve.
        """
        if self._stop is None:
            raise NoServiceToRestart("No service runs in this process.")
        if key and self._last_key() == key:
            return False
        self._file.write_text(key, encoding="utf-8")
        self.requested = True
        timer = threading.Timer(_ANSWER_SECONDS, self._stop)
        timer.daemon = True
        timer.start()
        return True

    def action(self) -> Action:
        """Return the action that restarts the service."""

        def run(_: Arguments, context: ActionContext) -> ActionResult:
            done = self.request(context.idempotency_key)
            text = "The service restarts." if done else "The service was restarted."
            return ActionResult(text)

        def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
            text = "Requests under way would be finished, then the service would start again."
            return ActionResult(text)

        return Action(
            "service.restart",
            "Finish the requests under way, end in order, and start the service again.",
            Risk.APPROVAL,
            run,
            dry_run,
            no_undo_because="work under way is resumed after the start",
            effect=Effect.REPEATABLE,
        )

    def _last_key(self) -> str:
        try:
            return self._file.read_text(encoding="utf-8")
        except OSError:
            return ""


def start_again(port: int) -> None:
    """Replace this process by a new run of its command, on the same port."""
    arguments = [*sys.orig_argv[1:], "--port", str(port)]
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - our own command.
