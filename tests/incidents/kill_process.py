"""The operator in a process of its own that kills itself, for `test_kill.py`.

With a state it ends itself with SIGKILL right after the turn of that state is in the store and before the durable
job has recorded it: the worst moment. `act` kills inside an action, after its effect and before its result. Without
a state it runs until the incident is resolved or a person has it.
"""

import os
import signal
import threading
from dataclasses import replace

from tests.incidents import operator as building
from tests.incidents.world import TAP, World
from trimtab.incidents import Incidents, State
from trimtab.infra.jobs.durable import DurableJobs
from trimtab.kernel.clock import SystemClock

RATE = 200.0
LIMIT_SECONDS = 3.0
"""Of a hanging act; its time in the ledger is counted by the clock, which runs faster."""


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def hang(context, world):
    """Let the second act hang; the process dies once it does, unless that happened before."""
    actions = context.catalog.actions
    first = world.get("hung") == 0
    world.put(hung=1)

    def run(*_):
        if first:
            die()
        threading.Event().wait()

    actions["tank.refill"] = replace(actions["tank.refill"], run=run, limit_seconds=LIMIT_SECONDS)


def arm(context, world, at):
    """Make the process die at the moment."""
    if at == "hang":
        hang(context, world)
        return
    if at == "act":
        effect = world.effect

        def deadly(context, what, **values):
            effect(context, what, **values)
            die()

        world.effect = deadly
        return
    apply = type(context.store).apply

    class Deadly(type(context.store)):
        def apply(self, before, transition, now):
            apply(self, before, transition, now)
            if before.state == at:
                die()

    context.store.__class__ = Deadly


def run(folder, at, ask):
    """Work until the incident is resolved or a person has it, or until the moment comes.

    Args:
        folder: Holds the databases and the tank.
        at: When to die; empty for never.
        ask: Leave the cause unproven, so that its plan asks for approval; it is given at once.
    """
    world, clock = World(folder / "world.json"), SystemClock(RATE)
    context, _, _ = building.make_context(folder, world, clock, poll_seconds=20.0)
    if at:
        arm(context, world, at)
    jobs = DurableJobs(folder / "jobs.db", clock)
    incidents = Incidents(context, jobs)
    jobs.launch()
    incidents.resume()
    if not incidents.list():
        if not ask:
            context.proofs.add(*context.library.cause(TAP), clock.now(), realism="real")
        incidents.alert_fired(building.alert(clock.now()))
    (incident,) = incidents.list()
    seen = 0
    while incident.state not in {State.RESOLVED, State.ESCALATED}:
        for entry in incidents.follow(incident.id, seen, 5.0):
            seen = entry.seq
        incident = incidents.get(incident.id)
        if (
            incident.state is State.AWAITING_APPROVAL
            and not incidents.approval(incident.id).decision
        ):
            incidents.approve(incident.id, incident.episode.plan.hash, "alice")
    os._exit(0)  # The executor's threads may wait for messages for long; nothing is lost.
