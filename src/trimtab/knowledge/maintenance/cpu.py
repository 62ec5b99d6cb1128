"""How busy the machine's processors are."""

import psutil

from trimtab.kernel.clock import Clock
from trimtab.knowledge.rolling_stats import RecentValues

_WINDOW_SECONDS = 60.0


class CpuUsage:
    """Watches the processors of the machine, whoever uses them."""

    def __init__(self, clock: Clock) -> None:
        self._shares = RecentValues(clock, _WINDOW_SECONDS)

    def look(self) -> None:
        """Remember how busy they were since the last look; called at each heartbeat."""
        self._shares.add(psutil.cpu_percent() / 100)

    def used_ratio(self) -> float:
        """Return the median share of the last minute, 0 to 1; NaN when nobody looked."""
        return self._shares.quantile(0.5)
