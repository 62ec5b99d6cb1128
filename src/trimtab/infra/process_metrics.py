"""Signals of the process: starts, crashes, CPU, disk I/O and logged errors."""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import psutil

from trimtab.infra.audit import Audit
from trimtab.infra.audit_files import STARTED
from trimtab.infra.container_memory import ContainerMemory
from trimtab.infra.storage import Database
from trimtab.infra.telemetry import LogCounters
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import Sample, Signal

_log = logging.getLogger(__name__)
STOPPED = "service.stopped"
"""Audit action of an orderly stop; a start without one before it follows a crash or kill."""
LOST = "storage.changes_lost"
"""Audit action that records acknowledged changes missing from a database at a start."""
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_RECENT_EVENTS = 1000


class ProcessMetrics:
    """Records starts and stops of the process and measures it.

    Args:
        audit: Records starts and stops.
        clock: Defines the last hour.
        memory: The kernel's count of out-of-memory kills of this container.
        process: Its id among several on one database; empty when it is alone.
    """

    def __init__(
        self,
        audit: Audit,
        clock: Clock,
        memory: ContainerMemory | None = None,
        process: str = "",
    ) -> None:
        self._audit = audit
        self._facts = {"process": process} if process else None
        self._clock = clock
        self._memory = memory or ContainerMemory()
        self._process = psutil.Process()
        self._starts: list[datetime] = []
        self._kills: list[datetime] = []
        self._lost: list[tuple[datetime, int]] = []
        self.counters = LogCounters()

    def record_start(self, version: str, databases: Iterable[Database] = ()) -> None:
        """Audit the start and lost changes of each database; start counting log records."""
        logging.getLogger().addHandler(self.counters)
        self._audit.append("trimtab", STARTED, version, self._facts)
        for database in databases:
            if changes := database.lost_commits:
                self._lost.append((self._clock.now(), changes))
                self._audit.append("trimtab", LOST, database.name, {"changes": changes})
        self._starts, self._kills = _lives(self._audit)

    def record_stop(self) -> None:
        """Audit an orderly stop.

        A storage error is only logged, so that the process can end.
        """
        logging.getLogger().removeHandler(self.counters)
        try:
            self._audit.append("trimtab", STOPPED, "service", self._facts)
        except TrimtabError:
            _log.warning("the stop of the service could not be recorded", exc_info=True)

    @property
    def started_at(self) -> datetime | None:
        """Return when this process recorded its start; None before."""
        return self._starts[-1] if self._starts else None

    def changes_lost(self) -> float:
        """Return how many acknowledged changes were found missing in the last day."""
        since = self._clock.now() - _DAY
        return float(sum(changes for at, changes in self._lost if at > since))

    def signals(self) -> tuple[Signal, ...]:
        """Return every signal of the process."""
        return (*self._life_signals(), *self._resource_signals(), *self._log_signals())

    def _recent(self, times: Iterable[datetime]) -> float:
        since = self._clock.now() - _HOUR
        return float(sum(at > since for at in times))

    def _life_signals(self) -> Iterator[Signal]:
        yield Signal(
            "service.starts",
            "starts",
            "How often the service was started in the last hour.",
            lambda: [Sample(self._recent(self._starts))],
            metric="service_starts_last_hour",
        )
        yield Signal(
            "service.kills",
            "ends",
            "How often it ended suddenly in the last hour: killed, crashed, or without power.",
            lambda: [Sample(self._recent(self._kills))],
            metric="service_kills_last_hour",
        )
        yield Signal(
            "service.changes_lost",
            "changes",
            "Acknowledged changes that were missing at the start, for a day after it.",
            lambda: [Sample(self.changes_lost())],
        )
        yield Signal(
            "service.oom_kills",
            "kills",
            "Processes of this container that the kernel killed for want of memory (OOMKilled).",
            lambda: [Sample(self._memory.oom_kills())],
        )

    def _resource_signals(self) -> Iterator[Signal]:
        yield Signal(
            "service.cpu_ratio",
            "ratio",
            "Share of the machine's processors that was in use since the last look.",
            lambda: [Sample(psutil.cpu_percent(None) / 100)],
        )
        yield Signal(
            "service.disk_bytes",
            "bytes",
            "What this process read from and wrote to disks since its start.",
            self._disk,
            labels=("direction",),
            metric="service_disk_bytes_total",
            counter=True,
        )

    def _disk(self) -> list[Sample]:
        found = self._process.io_counters()
        return [
            Sample(float(found.read_bytes), {"direction": "read"}),
            Sample(float(found.write_bytes), {"direction": "written"}),
        ]

    def _log_signals(self) -> Iterator[Signal]:
        yield Signal(
            "service.errors_logged",
            "lines",
            "Log lines of level ERROR since the start, by error_type.",
            lambda: [
                Sample(float(count), {"error_type": name})
                for name, count in self.counters.errors().items()
            ],
            labels=("error_type",),
            metric="log_errors_total",
            counter=True,
        )
        yield Signal(
            "service.symptoms_logged",
            "lines",
            "Log lines that show a symptom of a known incident, since the start.",
            lambda: [
                Sample(float(count), {"symptom": name})
                for name, count in self.counters.symptoms().items()
            ],
            labels=("symptom",),
            metric="log_symptoms_total",
            counter=True,
        )


def _lives(audit: Audit) -> tuple[list[datetime], list[datetime]]:
    """Return the times of all starts, and of starts after a crash, oldest first.

    A start among several processes says nothing of a crash: the others run on.
    """
    recent = reversed(audit.recent(_RECENT_EVENTS))
    changes = [event for event in recent if event.action in (STARTED, STOPPED)]
    starts, kills, running = [], [], False
    for event in changes:
        at = datetime.fromisoformat(event.at)
        if event.action == STARTED:
            starts.append(at)
            if running and '"process"' not in event.facts:
                kills.append(at)
        running = event.action == STARTED and '"process"' not in event.facts
    return starts, kills
