"""Monitoring loop: scrape, evaluate the rules, deliver transitions."""

import logging
from collections import deque
from collections.abc import Callable

from trimtab.infra.background import PeriodicTask
from trimtab.infra.settings.sections.monitor import MonitorSettings
from trimtab.kernel.clock import Clock
from trimtab.monitoring.alerts import Transition
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.peers import FleetScrape
from trimtab.monitoring.scrape import Scrape

_log = logging.getLogger(__name__)

Sink = Callable[[Transition], None]
"""Takes one transition and returns when the transition is stored."""


class Leadership:
    """Tells whether this process evaluates the rules, and prepares it when it begins to.

    Args:
        leads: Whether the process leads.
        begin: Called when it begins to lead, before its first evaluation.
    """

    def __init__(self, leads: Callable[[], bool], begin: Callable[[], object]) -> None:
        self._leads = leads
        self._begin = begin
        self._led = True  # The start has prepared it.

    def take(self) -> bool:
        """Return whether the process leads now."""
        led, self._led = self._led, self._leads()
        if self._led and not led:
            self._begin()
        return self._led


class Monitor:
    """Scrapes and evaluates periodically in its own thread.

    A transition that the sink fails to store is offered again at every interval, before the newer
    ones: an incident that cannot be opened because the disk is full is opened when there is space.

    Args:
        scrape: Where the samples come from.
        engine: The rules.
        sink: Where transitions go, in order.
        clock: Whose seconds the intervals are in.
        settings: The intervals.
        leadership: Of several processes only the leader evaluates the rules; all scrape.
    """

    def __init__(
        self,
        scrape: Scrape | FleetScrape,
        engine: RuleEngine,
        sink: Sink,
        clock: Clock,
        settings: MonitorSettings,
        leadership: Leadership | None = None,
    ) -> None:
        self._leadership = leadership or Leadership(lambda: True, lambda: None)
        self._scrape = scrape
        self._engine = engine
        self._sink = sink
        self._clock = clock
        self._settings = settings
        self._waiting: deque[Transition] = deque()
        self._started = -settings.scrape_interval_seconds
        self._evaluated = -settings.evaluation_interval_seconds
        self.task = PeriodicTask("monitor", self._round, self._pause, clock)

    def start(self) -> None:
        """Begin to watch."""
        self.task.start()

    def close(self) -> None:
        """Stop watching; a round that has begun is finished."""
        self.task.close(timeout=None)

    def look(self) -> None:
        """Scrape, evaluate and hand over once."""
        now = self._clock.now()
        self._scrape.take(now)
        self._evaluate()

    def _round(self) -> None:
        self._started = self._clock.monotonic()
        self._scrape.take(self._clock.now())
        if not self._leadership.take():
            # The leader finds them itself; offered later, they would open what has long ended.
            self._waiting.clear()
            return
        every = self._settings.evaluation_interval_seconds
        if self._started - self._evaluated >= every - self._settings.scrape_interval_seconds / 2:
            self._evaluated = self._started
            self._evaluate()

    def _pause(self) -> float:
        """Return the remaining time of the interval; zero after an evaluation that took longer."""
        taken = self._clock.monotonic() - self._started
        return max(0.0, self._settings.scrape_interval_seconds - taken)

    def _evaluate(self) -> None:
        self._waiting.extend(self._engine.tick(self._clock.now()))
        while self._waiting:
            try:
                self._sink(self._waiting[0])
            except Exception:  # noqa: BLE001 - the monitor must outlive whatever it reports to.
                _log.exception(
                    "alert could not be handed over; it is offered again at the next round"
                )
                return
            self._waiting.popleft()
