"""A fault that needs two domains: an erasure that fails because a file of the search index cannot be removed."""

from collections.abc import Callable, Mapping
from pathlib import Path

from trimtab.answers.erasure import Erasures, ErasureState
from trimtab.kernel.operable import Arguments, Fault, Realism, Value
from trimtab.knowledge import Knowledge

PROJECT = "drill-erasure"
PERSON = "a person of the erasure drill"


def erasure_fault(knowledge: Knowledge, erasures: Callable[[], Erasures]) -> Fault:
    """Return the fault.

    A folder stands where the index's file should be, as a container makes one for a file that is missing when it is
    mounted. The erasure cannot remove it and fails in all its passes. Then the folder is taken away, and the erasure
    stays failed until somebody goes on with it.
    """

    def inject(_: Arguments) -> Mapping[str, Value]:
        knowledge.ingest_text(PROJECT, "letter.txt", "A letter of a person.", owner=PERSON)
        knowledge.search(PROJECT, "letter")
        obstacle = _index_file(knowledge)
        obstacle.unlink(missing_ok=True)
        obstacle.mkdir()
        try:
            found = erasures().wait(erasures().request(PERSON, actor="drill").id)
        finally:
            obstacle.rmdir()
        return {"erasure": found.id}

    def restore(state: Mapping[str, Value]) -> None:
        erasure_id = str(state["erasure"])
        if erasures().find(erasure_id).state is ErasureState.FAILED:
            erasures().retry(erasure_id)
        erasures().wait(erasure_id)
        if PROJECT in {project.name for project in knowledge.list_projects()}:
            knowledge.delete_project(PROJECT)

    return Fault(
        "answers.erasure.break",
        "Put a folder in the place of an index file, erase a person until it fails, and take the folder away.",
        inject,
        restore,
        realism=Realism.REAL,
    )


def _index_file(knowledge: Knowledge) -> Path:
    return knowledge.indexes.file_of(knowledge.projects.find(PROJECT).key)
