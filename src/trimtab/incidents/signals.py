"""Signals of the incident operator."""

import math
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from trimtab.incidents.model import Incident, IncidentSeverity
from trimtab.incidents.state import State
from trimtab.incidents.store import IncidentStore
from trimtab.infra.notify import Outbox
from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Sample, Signal

_MEAN_OVER = 100


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts and times of the operator at incident instant, without drills."""

    by_severity: Counter[str]
    by_state: Counter[str]
    progressed: datetime | None
    """When the act or undo that is longest without progress has last progressed; None when none
    runs.
    """
    opened: Mapping[str, datetime]
    """When the oldest unresolved incident of each runbook opened."""
    mean_to_diagnose_seconds: float
    """NaN without a resolved incident."""
    mean_to_restore_seconds: float


class FiguresBoard:
    """Caches the figures until an incident changes."""

    def __init__(self, store: IncidentStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._changed = True
        self._figures = Figures(Counter(), Counter(), None, {}, math.nan, math.nan)
        store.listen(self._notice)

    def read(self) -> Figures:
        """Return the current figures."""
        with self._lock:
            if self._changed:
                self._changed = False
                self._figures = _count(self._store)
            return self._figures

    def _notice(self, _incident_id: str) -> None:
        self._changed = True


def signals(store: IncidentStore, outbox: Outbox, clock: Clock) -> tuple[Signal, ...]:
    """Return the operator's signals."""
    board = FiguresBoard(store)
    return (
        *_open(board, clock),
        *_means(board),
        Signal(
            "notify.undelivered",
            "messages",
            "Messages that wait in the outbox.",
            lambda: [Sample(outbox.undelivered())],
        ),
    )


def _open(board: FiguresBoard, clock: Clock) -> tuple[Signal, ...]:
    return (
        Signal(
            "incidents.open",
            "incidents",
            "Incidents that are not resolved; without drills.",
            lambda: [
                Sample(board.read().by_severity[severity], {"severity": severity})
                for severity in IncidentSeverity
            ],
            labels=("severity",),
        ),
        Signal(
            "incidents.unresolved_seconds",
            "seconds",
            "How long the oldest unresolved incident of each runbook has been open; without"
            " drills.",
            lambda: [
                Sample((clock.now() - opened).total_seconds(), {"runbook": runbook})
                for runbook, opened in board.read().opened.items()
            ],
            labels=("runbook",),
        ),
        Signal(
            "incidents.approvals_waiting",
            "plans",
            "Plans that wait for a person.",
            lambda: [Sample(board.read().by_state[State.AWAITING_APPROVAL])],
        ),
        Signal(
            "incidents.escalated",
            "incidents",
            "Incidents that were handed over to people.",
            lambda: [Sample(board.read().by_state[State.ESCALATED])],
        ),
        Signal(
            "incidents.not_verified",
            "incidents",
            "Incidents whose repair could not be verified; a person closes them.",
            lambda: [Sample(board.read().by_state[State.NOT_VERIFIED])],
        ),
        Signal(
            "incidents.stalled_seconds",
            "seconds",
            "How long the act or undo that is longest without progress has made none; 0 when none"
            " runs.",
            lambda: [Sample(_stalled(board, clock))],
        ),
    )


def _means(board: FiguresBoard) -> tuple[Signal, ...]:
    return (
        Signal(
            "incidents.mttr_seconds",
            "seconds",
            f"Mean time from detection to restored service, over the last {_MEAN_OVER} incidents.",
            lambda: [Sample(board.read().mean_to_restore_seconds)],
        ),
        Signal(
            "incidents.time_to_diagnose_seconds",
            "seconds",
            f"Mean time from detection to diagnosis, over the last {_MEAN_OVER} incidents.",
            lambda: [Sample(board.read().mean_to_diagnose_seconds)],
        ),
    )


def _count(store: IncidentStore) -> Figures:
    active = store.find(active=True, drills=False, limit=None)
    ended = store.find(active=False, drills=False, limit=_MEAN_OVER)
    return Figures(
        Counter(incident.severity.value for incident in active),
        Counter(incident.state.value for incident in active),
        _progressed(store, active),
        _oldest(active),
        _mean([_seconds(incident, incident.episode.diagnosed_at) for incident in ended]),
        _mean([_seconds(incident, incident.episode.restored_at) for incident in ended]),
    )


def _progressed(store: IncidentStore, active: Iterable[Incident]) -> datetime | None:
    acting = [incident for incident in active if incident.state in {State.EXECUTING, State.UNDOING}]
    return min((store.timeline(incident.id)[-1].at for incident in acting), default=None)


def _stalled(board: FiguresBoard, clock: Clock) -> float:
    progressed = board.read().progressed
    return 0.0 if progressed is None else (clock.now() - progressed).total_seconds()


def _oldest(active: Iterable[Incident]) -> dict[str, datetime]:
    opened: dict[str, datetime] = {}
    for incident in active:
        for runbook in incident.runbooks:
            opened[runbook] = min(
                incident.episode.opened_at, opened.get(runbook, incident.episode.opened_at)
            )
    return opened


def _seconds(incident: Incident, end: datetime | None) -> float | None:
    return None if end is None else (end - incident.episode.opened_at).total_seconds()


def _mean(spans: list[float | None]) -> float:
    known = [span for span in spans if span is not None]
    return sum(known) / len(known) if known else math.nan
