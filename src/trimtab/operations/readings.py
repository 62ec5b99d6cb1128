"""Port through which the checklists read the services."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DriftReading:
    """Result of the drift test on questions."""

    detected: bool
    p_value: float
    effect: float


@dataclass(frozen=True, slots=True)
class QualityReading:
    """Quality of the answers in the current window; NaN where nothing was measured."""

    answers: int
    empty_rate: float
    hallucination_rate: float
    blocked_rate: float
    cosine_ratio: float
    has_baseline: bool
    drift: DriftReading | None


@dataclass(frozen=True, slots=True)
class BudgetReading:
    """Spending of the model budget in the current period."""

    period: str
    spent_usd: float
    limit_usd: float
    share: float
    calls: int
    tokens: int
    credits_usd: float | None = None
    """What is left of the connected model's key; None where the provider does not say."""
    provider_problem: str = ""
    """Why the connected model's API refuses to work; empty when it works, or none is connected."""
    calls_used: int = 0
    calls_limit: int = 0
    """Calls a month that the connected model's plan allows; 0 where it has no limit."""


@dataclass(frozen=True, slots=True)
class StorageReading:
    """Storage in a server of vectors whose plan limits it."""

    name: str
    used_gb: float
    limit_gb: float
    requests: str = ""
    """Limits of requests in words; empty where there are none."""
    problem: str = ""
    """Why it is not known; empty when it is."""


@dataclass(frozen=True, slots=True)
class BackupReading:
    """The newest backup that can be restored."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DependencyReading:
    """Audit of the installed packages."""

    packages: int
    advisories: int
    advisories_date: date
    problems: tuple[str, ...]


class ServiceReadings(Protocol):
    """Measurements of the services that the checklists read."""

    def quality(self) -> QualityReading:
        """Measure the answers of the current window now."""
        ...

    def failures(self) -> Mapping[str, int]:
        """Return the number of failed questions by error code, since the start."""
        ...

    def budget(self) -> BudgetReading:
        """Return the spending of the model budget."""
        ...

    def storage(self) -> StorageReading | None:
        """Return the storage of the server of vectors; None where no limit is configured."""
        ...

    def resting_generators(self) -> Iterable[str]:
        """Return the names of the generators whose circuit is open."""
        ...

    def export_error(self) -> str:
        """Return why the tracing backend took no traces at the last try; empty when it did."""
        ...

    def newest_backup(self) -> BackupReading | None:
        """Return the newest good backup, or None."""
        ...

    def dependencies(self) -> DependencyReading:
        """Audit the installed packages now."""
        ...
