"""What counts as a failure of the service, and what is the caller's."""

import pytest

from trimtab.kernel.errors import (
    Conflict,
    Corrupt,
    Forbidden,
    InvalidInput,
    Misconfigured,
    NotFound,
    RateLimited,
    StorageFull,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from trimtab.knowledge.errors import DocumentTypeUnsupported, ProjectUnknown, is_failure


@pytest.mark.parametrize("kind", [Unavailable, StorageFull, Corrupt, Misconfigured])
def test_what_the_service_cannot_do_is_its_failure(kind):
    assert is_failure(kind("x"))


@pytest.mark.parametrize(
    "kind",
    [InvalidInput, TooLarge, NotFound, Conflict, Unauthenticated, Forbidden, RateLimited],
)
def test_what_the_caller_sent_or_may_not_do_is_no_failure(kind):
    assert not is_failure(kind("x"))


def test_a_refused_file_counts_neither_as_failed_nor_as_refused(knowledge):
    for number in range(20):
        with pytest.raises(DocumentTypeUnsupported):
            knowledge.ingest_bytes("a", f"{number}.exe", b"MZ\x00\x01" * 100)
    totals = knowledge.searcher.metrics.users.outcomes.totals()
    assert (
        totals["failed"],
        totals["refused"],
        knowledge.searcher.metrics.users.share("failed"),
    ) == (0, 0, 0.0)


def test_a_search_in_a_project_that_is_not_there_is_refused(knowledge):
    with pytest.raises(ProjectUnknown):
        knowledge.search("nowhere", "x")
    totals = knowledge.searcher.metrics.users.outcomes.totals()
    assert (totals["failed"], totals["refused"]) == (0, 1)
