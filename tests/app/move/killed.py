"""A move that is killed at a given place, in a process of its own."""

import os
import signal
from pathlib import Path

from tests.app.move.conftest import move_to
from trimtab.app.move import to_server, to_sqlite
from trimtab.infra.storage.installation import InstallationStore


class Killer:
    """Kills this process at the call of that number."""

    def __init__(self, number):
        self.left = number

    def __call__(self, *_):
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


def move_and_die(folder, target, url, after):
    """Move, and die at the given number of reports of progress."""
    move_to(target, Path(folder), url, Killer(after))


def switch_and_die(folder, target, url, place, when):
    """Move, and die before or after a call of the last step: a row's state, or a function."""
    calls = {"write_note": (to_server, to_sqlite), "finish_return": (to_sqlite,)}

    def deadly(call):
        def wrapped(*given):
            if when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            call(*given)
            os.kill(os.getpid(), signal.SIGKILL)

        return wrapped

    if place in calls:
        for module in calls[place]:
            setattr(module, place, deadly(getattr(module, place)))
    else:
        put = InstallationStore.put

        def put_and_die(store, row):
            return deadly(put)(store, row) if row.state == place else put(store, row)

        InstallationStore.put = put_and_die
    move_to(target, Path(folder), url)
