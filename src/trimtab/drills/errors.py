"""Errors of drills."""

from trimtab.kernel.errors import Conflict


class DrillRefused(Conflict):
    """The service is not healthy before the drill, so the drill cannot start."""

    code = "drills.refused"
    default_hint = "Wait until no alert of this runbook fires and its incident is resolved."


class DrillStopped(Conflict):
    """The drill was stopped by a person or by shutdown; every fault is restored."""

    code = "drills.stopped"
