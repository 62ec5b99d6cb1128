"""Faults of the privacy domain: an erasure that fails because deletions cannot be recorded."""

from collections.abc import Mapping
from pathlib import Path

from trimtab.kernel.errors import Conflict
from trimtab.kernel.operable import Arguments, Fault, Realism, Value
from trimtab.knowledge import Knowledge
from trimtab.knowledge.maintenance.deletions import DeletionLog
from trimtab.privacy.erasure import Erasures, ErasureState

PROJECT = "drill-erasure"
PERSON = "a person of the erasure drill"


def faults(knowledge: Knowledge, erasures: Erasures) -> tuple[Fault, ...]:
    """Return every fault of the domain."""
    record = knowledge.maintenance.deletions
    file = record.file if isinstance(record, DeletionLog) else None
    return (_break_erasure(knowledge, erasures, file),)


def _break_erasure(knowledge: Knowledge, erasures: Erasures, record: Path | None) -> Fault:
    """Return a fault that makes an erasure fail in all its passes.

    A folder stands where the record of deletions should be, as a container makes one for a file
    that is missing when it is mounted. Nothing is deleted that cannot be written down, so the
    erasure fails in all its passes. Then the file is back, and the erasure stays failed until
    a person continues it.
    """

    def inject(_: Arguments) -> Mapping[str, Value]:
        if record is None:
            raise Conflict(
                "On PostgreSQL the transaction that deletes writes the record.",
                hint="Inject this fault into an installation on SQLite.",
            )
        knowledge.ingest_text(PROJECT, "letter.txt", "A letter of a person.", owner=PERSON)
        away = record.with_name(f"{record.name}.away")
        if record.exists():
            record.rename(away)
        record.mkdir()
        try:
            found = erasures.wait(erasures.request(PERSON, actor="drill").id)
        finally:
            record.rmdir()
            if away.exists():
                away.rename(record)
        return {"erasure": found.id}

    def restore(state: Mapping[str, Value]) -> None:
        erasure_id = str(state["erasure"])
        if erasures.find(erasure_id).state is ErasureState.FAILED:
            erasures.retry(erasure_id)
        erasures.wait(erasure_id)
        if PROJECT in {project.name for project in knowledge.projects.list()}:
            knowledge.projects.delete(PROJECT)

    return Fault(
        "answers.erasure.break",
        "Put a folder in the place of the record of deletions, erase a person until it fails, and "
        "put the record back.",
        inject,
        restore,
        realism=Realism.REAL,
    )
