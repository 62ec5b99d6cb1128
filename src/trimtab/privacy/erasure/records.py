"""An erasure and its steps, as they are kept."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum


class ErasureState(StrEnum):
    """State of an erasure."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """A step failed in every pass; all others are erased. `Erasures.retry` continues."""


class StepState(StrEnum):
    """State of one step."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StepStatus:
    """One step of an erasure."""

    name: str
    state: StepState = StepState.PENDING
    found: int = 0
    """The most things that were there when a pass began."""
    remaining: int = 0
    error: str = ""
    """The code of the last error; empty after a success."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """The erasure of one person's data."""

    id: str
    subject: str
    """The person's pseudonym."""
    requested_by: str
    requested_at: str
    state: ErasureState
    steps: tuple[StepStatus, ...]
    finished_at: str = ""
    certificate: Mapping[str, object] | None = None
    """A signed envelope once the erasure is done."""
    nonce: str = ""
    """Binds the certificate to the user id; known to the requester, deleted here when done."""

    def as_dict(self) -> dict[str, object]:
        """Return the wire form, JSON-ready."""
        return asdict(self)
