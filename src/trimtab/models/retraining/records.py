"""Records of retraining."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from trimtab.models.retraining.comparison import ClassIndices


class RetrainingState(StrEnum):
    """State of a retraining."""

    TRAINING = "training"
    REFUSED = "refused"
    """The candidate is not better beyond chance."""
    WAITING = "waiting"
    """Waits for the approval of a person."""
    PROMOTED = "promoted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        """Return whether it is not finished."""
        return self in (RetrainingState.TRAINING, RetrainingState.WAITING)


@dataclass(frozen=True, slots=True)
class TrainedCandidate:
    """A registered version that does not serve, and how it compares on rows held out."""

    version: int
    digest: str
    """Of the version's manifest."""
    metrics: Mapping[str, float]
    labels: ClassIndices
    """The class of each row held out."""
    current: ClassIndices
    """What the serving version predicts for it."""
    candidate: ClassIndices
    scored: tuple[int, ...] = (1,)
    """The classes whose F1 decides: the positive one, or all of several."""


class Trainer(Protocol):
    """Trains a candidate and registers it; called again after a crash with the same file."""

    def __call__(self, data: Path, /) -> TrainedCandidate:
        """Return the candidate of the training data."""
        ...


class Promoter(Protocol):
    """Lets a version serve; the same key is the same promotion."""

    def __call__(self, name: str, version: int, actor: str, reason: str, key: str) -> object:
        """Promote the version."""
        ...


@dataclass(frozen=True, slots=True)
class Retraining:
    """A retraining with what is known of its candidate."""

    id: str
    model: str
    state: RetrainingState
    reason: str
    requested_by: str
    at: datetime
    updated_at: datetime
    data_sha256: str
    approval_hash: str = ""
    """Binds an approval to the data, the candidate and its metrics; empty while there is none."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Candidate, metrics and comparison; the decision; the error."""
