"""Which version of a document was reviewed, and what came in lately."""

from datetime import timedelta

import pytest

from trimtab.knowledge.errors import DocumentUnknown
from trimtab.knowledge.service import RECENT_DAYS
from trimtab.knowledge.signals import signals


@pytest.fixture
def sea(knowledge):
    knowledge.ingest_text("sea", "eels.md", "Eels swim far.")
    knowledge.ingest_text("sea", "gulls.md", "Gulls fly far.")
    return knowledge


def reviewed(knowledge):
    return {d.name: d.reviewed for d in knowledge.documents.list("sea")}


@pytest.mark.feature("F470")
def test_a_review_is_of_one_version(sea):
    assert sea.documents.review("sea", "eels.md").reviewed
    assert reviewed(sea) == {"eels.md": True, "gulls.md": False}
    sea.ingest_text("sea", "eels.md", "Eels swim far.")
    assert reviewed(sea)["eels.md"], "an unchanged document keeps its review"
    sea.ingest_text("sea", "eels.md", "Eels swim very far.")
    assert not reviewed(sea)["eels.md"]
    sea.documents.review("sea", "eels.md")
    assert sea.documents.get("sea", "eels.md").reviewed


def test_a_hidden_or_missing_document_cannot_be_reviewed(sea):
    sea.documents.set_metadata("sea", "eels.md", labels=["board"])
    for name in ("eels.md", "none.md"):
        with pytest.raises(DocumentUnknown):
            sea.documents.review("sea", name, labels=("staff",))
    assert reviewed(sea) == {"eels.md": False, "gulls.md": False}


@pytest.mark.feature("F470")
def test_only_what_changed_since_then_is_listed(sea):
    at = sea.documents.get("sea", "eels.md").updated_at
    moment = timedelta(microseconds=1)
    assert [d.name for d in sea.documents.list("sea", since=at)] == ["eels.md", "gulls.md"]
    later = sea.documents.get("sea", "gulls.md").updated_at + moment
    assert sea.documents.list("sea", since=later) == ()


@pytest.mark.feature("F470")
def test_a_heartbeat_counts_what_came_in_lately_by_project_and_review(sea):
    sea.documents.review("sea", "gulls.md")
    [signal] = [s for s in signals(sea) if s.name == "knowledge.documents.recent"]
    assert list(signal.read()) == []
    sea.beat()
    found = {(s.labels["project"], s.labels["reviewed"]): s.value for s in signal.read()}
    assert found == {("sea", "yes"): 1, ("sea", "no"): 1}
    store = sea.parts.stores.reviews
    newest = sea.documents.get("sea", "gulls.md").updated_at
    assert store.recent(newest + timedelta(microseconds=1)) == []
    assert RECENT_DAYS == 7
