"""Every route called with valid, invalid and hostile requests: no mistake of ours answers, and nothing undocumented.

Four rounds: the whole service; the routes of incidents over an operator whose incident waits for an approval; erasures that
nobody waits for; and the whole service without its embedding model. After them every status that the document promises must have been given.
"""

from unittest import mock

from tests.answers.torture.result import Result
from tests.api.fuzz import Fuzz
from tests.faces import Tank
from trimtab.api import privacy as users
from trimtab.app import build
from trimtab.infra.settings import load

_DEGRADED_CASES = 6
_ENOUGH_CASES = 200
"""To each route, so that every documented status is given by chance; a shorter run only tells which were not."""


def campaign(folder, cases, seed=1):
    """Send so many requests, about as many to each route; return what was wrong."""
    result = Result("fuzz")
    flags = {
        "service.data_dir": str(folder / "data"),
        "service.rate_limit_per_minute": "0",
        "api.key_limit_per_minute": "0",
        "answers.shadow_set": "max_sentences=3",
        "answers.shadow_share": "0.1",
    }
    app = build(load(flags=flags, environment={}))
    try:
        app.start(handbook=False)
        app.knowledge.encoder.start()
        fuzz = Fuzz(app, seed)
        each = -(-cases // len(fuzz.routes))
        fuzz.run(each)
        fuzz.pages(each // 3)
        fuzz.faults(each // 10)
        waiting = Waiting(Tank(app, folder / "tank"))
        operator = Fuzz(app, seed, waiting.tank.http_apps, waiting.incident)
        operator.judge = fuzz.judge
        operator.run(each, lambda path: path.startswith("/v1/incidents"))
        with mock.patch.object(users, "_PATIENCE_SECONDS", 0.0):  # No erasure is done by then.
            fuzz.run(_DEGRADED_CASES, lambda path: path.startswith("/api/v1/users/"))
        app.knowledge.encoder.unload()
        fuzz.run(_DEGRADED_CASES)
        app.knowledge.encoder.unload()  # An action of the fuzz may have loaded it again.
        fuzz.run(each, lambda path: path == "/api/v1/ingest")
    finally:
        app.close()
    result.tried = fuzz.sent + operator.sent
    unseen = fuzz.judge.unseen()
    result.wrong = [*fuzz.judge.lines(), *(unseen if each >= _ENOUGH_CASES else ())]
    result.figures = {
        "documented statuses that were not given": len(unseen),
        "routes": len(fuzz.routes),
        "statuses": fuzz.judge.statuses(),
        "CPU seconds": round(sum(fuzz.seconds.values()) + sum(operator.seconds.values())),
        "dearest routes, CPU seconds": [
            f"{name}: {spent:.0f}" for name, spent in fuzz.seconds.most_common(3)
        ],
    }
    return result


class Waiting:
    """An operator that has an incident waiting for an approval whenever it is asked for one."""

    def __init__(self, tank):
        self.tank = tank
        self._incident = None

    def incident(self):
        """Return one, a new one when the last was decided."""
        operator = self.tank.operator
        if self._incident is not None:
            operator.jobs.while_waiting = lambda _topic: operator.world.put(level=9)
            operator.jobs.run()
            if operator.incidents.get(self._incident.id).state == "awaiting_approval":
                return self._incident
            operator.jobs.while_waiting = lambda _topic: None
        self._incident = self.tank.waiting()
        return self._incident
