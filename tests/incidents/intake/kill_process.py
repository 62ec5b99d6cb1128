"""Receives a storm of alerts in a process of its own that kills itself at a moment, for `test_storm.py`."""

import os
import signal
from pathlib import Path

from tests.incidents.intake.desk import make_desk, posted

GROUPS, SIZE = 10, 40


def batches():
    """Return the storm: each group of alerts comes in two requests, with a repeated alert in each."""
    for number in range(GROUPS):
        alerts = [posted(f"Alert{number}", instance=f"n{i}") for i in range(SIZE)]
        yield alerts[: SIZE // 2]
        yield alerts[SIZE // 2 - 1 :]


def die():
    os.kill(os.getpid(), signal.SIGKILL)


MOMENTS = {
    "stored": lambda desk: (desk.store, "save"),  # In the transaction: it must not count.
    "opened": lambda desk: (desk.intake._context.incidents, "alerts_fired"),
    "reported": lambda desk: (desk.store, "mark_reported"),
}


def arm(owner, name, count):
    """Let the process die after the `count`-th call of a method."""
    real, left = getattr(owner, name), [count]

    def method(*given, **named):
        found = real(*given, **named)
        left[0] -= 1
        if left[0] == 0:
            die()
        return found

    setattr(owner, name, method)


def run(folder: Path, moment: str, count: int) -> None:
    """Receive the storm; die at the `count`-th time of the moment.

    Args:
        folder: Holds the database. The number of acknowledged requests is in ``acknowledged``.
        moment: One of `MOMENTS`, or empty for never.
        count: From 1.
    """
    desk = make_desk(folder)
    if moment:
        arm(*MOMENTS[moment](desk), count)
    log = folder / "acknowledged"
    done = int(log.read_text()) if log.exists() else 0
    desk.intake.process()
    for number, batch in enumerate(batches()):
        if number >= done:
            desk.intake.receive_posted(batch)
            log.write_text(str(number + 1))
            desk.intake.process()
    os._exit(0)
