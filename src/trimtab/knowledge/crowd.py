"""Many users at once, for drills: each asks, thinks for a moment, and asks again."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress

from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.drilling import drill_traffic
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge.service import Knowledge

_THINK_SECONDS = 0.2
_LONGEST_QUERY = 1000
_WORDS = 150

Ask = Callable[[random.Random], object]


class Crowd:
    """Users in threads of their own, at the machine's pace however fast the service's clock runs."""

    def __init__(self, clock: Clock) -> None:
        self._machine = machine_clock(clock)
        self._stop = threading.Event()
        self._users: list[threading.Thread] = []

    def start(self, ask: Ask, users: int) -> None:
        """Let so many users ask until `stop`."""
        self.stop()
        self._stop = threading.Event()
        self._users = [
            threading.Thread(
                target=self._use, args=(ask, number, self._stop), name="drill-user", daemon=True
            )
            for number in range(users)
        ]
        for user in self._users:
            user.start()

    def stop(self) -> None:
        """Let the last question of each user end. May be called twice."""
        self._stop.set()
        for user in self._users:
            user.join()
        self._users = []

    def _use(self, ask: Ask, number: int, stop: threading.Event) -> None:
        chance = random.Random(number)  # noqa: S311 - a drill repeats itself.
        while not stop.is_set():
            # The service counts what fails; that is what the drill is about.
            with suppress(TrimtabError), drill_traffic():
                ask(chance)
            self._machine.wait(stop, _THINK_SECONDS * chance.random())


def long_queries(knowledge: Knowledge, project: str, count: int) -> list[str]:
    """Return queries of up to 1,000 characters out of the project's own words: the dearest that a user can ask."""
    chance = random.Random(count)  # noqa: S311 - a drill repeats itself.
    names = [document.name for document in knowledge.documents.list(project, limit=50)]
    words = " ".join(knowledge.documents.text(project, name) for name in names).split()
    return [
        f"{number} {' '.join(chance.choices(words, k=_WORDS))}"[:_LONGEST_QUERY].strip()
        for number in range(count)
    ]
