"""Why a drill does not begin."""

from trimtab.kernel.errors import Conflict


class DrillRefused(Conflict):
    """The service is not healthy to begin with, so the drill would prove nothing."""

    code = "drills.refused"
    default_hint = "Wait until no alert of this runbook fires and its incident is resolved."
