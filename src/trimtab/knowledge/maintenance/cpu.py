"""CPU usage of the machine."""

import psutil

from trimtab.kernel.clock import Clock
from trimtab.knowledge.metrics import RecentValues

_WINDOW_SECONDS = 60.0


class CpuUsage:
    """Measures the CPU usage of all processes of the machine."""

    def __init__(self, clock: Clock) -> None:
        self._shares = RecentValues(clock, _WINDOW_SECONDS)

    def look(self) -> None:
        """Remember how busy they were since the last look; called at each heartbeat."""
        self._shares.add(psutil.cpu_percent() / 100)

    def used_ratio(self) -> float:
        """Return the median share of the last minute, 0 to 1; NaN without a measurement."""
        return self._shares.quantile(0.5)
