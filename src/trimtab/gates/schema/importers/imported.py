"""Input values and result of an importer."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class StatedValues:
    """Values that the user supplies for fields missing in the file."""

    samples: int | None = None
    """Samples of each benchmark."""
    duration_s: float | None = None
    """Seconds of the whole run."""
    compute_mode: str | None = None
    seed: int | None = None

    def fields(self) -> tuple[str, ...]:
        """Return the names of the supplied values."""
        return tuple(entry.name for entry in fields(self) if getattr(self, entry.name) is not None)


@dataclass(frozen=True, slots=True)
class ImportedReport:
    """A report converted from another tool's file."""

    report: dict[str, Any]
    missing: tuple[str, ...] = ()
    """JSON paths missing in the file and the report; the schema gate refuses it."""
    derived: tuple[str, ...] = ()
    """Fields that were computed from others, such as a sample count from accuracy and its standard
    error.
    """


def totals(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the totals of a report: sums, weighted accuracy and worst status."""
    summed: dict[str, Any] = {}
    for key in ("samples_processed", "predictions_count", "duration_s"):
        if results and all(key in result for result in results):
            summed[key] = sum(result[key] for result in results)
    if summed.get("samples_processed") and all("accuracy" in result for result in results):
        weighted = sum(result["accuracy"] * result["samples_processed"] for result in results)
        summed["accuracy"] = min(1.0, weighted / summed["samples_processed"])
    statuses = {result["status"] for result in results}
    worst = [status for status in ("ERROR", "PARTIAL", "PASS") if status in statuses]
    return {**summed, "status": worst[0] if worst else "ERROR"}
