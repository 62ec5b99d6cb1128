"""Why a drill does not begin, or does not come to its end."""

from trimtab.kernel.errors import Conflict


class DrillRefused(Conflict):
    """The service is not healthy to begin with, so the drill would prove nothing."""

    code = "drills.refused"
    default_hint = "Wait until no alert of this runbook fires and its incident is resolved."


class DrillStopped(Conflict):
    """Somebody ended the drill, or the service is closing; every fault is put back."""

    code = "drills.stopped"
