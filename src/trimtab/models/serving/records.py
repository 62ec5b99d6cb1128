"""Records of serving: a waiting request, what served it, and batches for observers."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from trimtab.kernel.errors import TrimtabError
from trimtab.models.records import ModelVersion
from trimtab.models.rows import Outputs, Rows

BASELINE = "baseline"


class PredictionOutcome(StrEnum):
    """Result of a request."""

    OK = "ok"
    FALLBACK = "fallback"
    """Something else than the version that was asked answered."""
    ERROR = "error"
    """Nothing could answer."""


class Prediction(NamedTuple):
    """The answer to one request. A named tuple, because making one takes a third of the time."""

    model: str
    version: int
    """0 when no version answered, but the rule baseline."""
    digest: str
    alias: str
    served_by: str
    """``name@version`` or ``baseline``."""
    outcome: PredictionOutcome
    request_id: str
    outputs: Outputs
    outputs_json: bytes
    """The outputs of all rows as a JSON list."""
    cached: bool = False
    latency_ms: float = 0.0


Deliver = Callable[[list[tuple["PendingRequest", "Prediction | TrimtabError"]]], None]
"""Hands answers to who waits for them; called from any thread, once for each request."""


@dataclass(slots=True, eq=False)
class PendingRequest:
    """A request that waits for its prediction.

    Its stage counts the attempts: the version, then its fallbacks. Only who holds the present stage
    may answer, so a version that is late cannot answer after its fallback did.
    """

    rows: Rows
    inputs_json: bytes
    request_id: str
    started: float
    """Monotonic seconds of the machine."""
    deadline: float
    deliver: Deliver
    waiter: Any = None
    """What `deliver` resolves."""
    timer: Any = None
    """Of the event loop: asks the next version when this one is late."""
    user_id: str = ""
    probe: bool = False
    """True for a health check: no cache, and no monitor counts it."""
    plan: list[str] = field(default_factory=list)
    """Aliases that are still to be asked, the next one last."""
    asked: Any = None
    """The server that has the request now."""
    alias: str = ""
    """The alias that was asked last."""
    asked_first: int = 0
    """The version that was asked first; 0 for none."""
    stage: int = 0
    answered: bool = False
    error: TrimtabError | None = None
    """Why the last attempt failed."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def claim(self, stage: int) -> bool:
        """Return whether the holder of that stage may answer; true once at most."""
        with self._lock:
            if self.answered or stage != self.stage:
                return False
            self.answered = True
            return True

    def advance(self, stage: int, error: TrimtabError) -> bool:
        """Give up a stage for the next one; return False when another thread already did."""
        with self._lock:
            if self.answered or stage != self.stage:
                return False
            self.stage += 1
            self.error = error
            return True


@dataclass(frozen=True, slots=True)
class ServedBatch:
    """Predictions of one batch, for monitors; given after the replies, on a worker thread."""

    version: ModelVersion
    alias: str
    request_ids: Sequence[str]
    sizes: Sequence[int]
    """Number of rows of each request, in order."""
    rows: Rows
    outputs: Outputs
    seconds: float
    """Time of the model alone."""
    at: datetime


@dataclass(frozen=True, slots=True)
class FailedBatch:
    """Requests that a version could not predict, for monitors."""

    version: ModelVersion
    alias: str
    request_ids: Sequence[str]
    code: str
    at: datetime


Observer = Callable[[ServedBatch | FailedBatch], None]
