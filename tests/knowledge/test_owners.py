"""Whose a document is, and what of a person is deleted."""

import pytest

from tests.knowledge.both_engines import knowledge_server  # noqa: F401 - fixture.
from trimtab.knowledge.erasure import PersonalDocuments


@pytest.fixture
def own(knowledge):
    return PersonalDocuments(knowledge)


def names(knowledge):
    return [document.name for document in knowledge.documents.list("p")]


def test_deleting_a_persons_documents_leaves_those_of_others_and_of_nobody(knowledge, own):
    for name, owner in (("a", "ann"), ("b", "bob"), ("c", "")):
        knowledge.ingest_text("p", name, f"The text of {name}.", owner=owner)
    assert (own.documents("ann"), own.passages("ann")) == (1, 1)
    own.delete_documents("ann")
    assert (own.documents("ann"), own.passages("ann"), names(knowledge)) == (0, 0, ["b", "c"])


def test_the_same_content_from_two_people_stays_until_both_are_gone(knowledge, own):
    for owner in ("ann", "bob"):
        knowledge.ingest_text("p", "a", "The same text.", owner=owner)
    own.delete_documents("ann")
    assert (names(knowledge), own.documents("ann")) == (["a"], 0)
    own.delete_documents("bob")
    assert names(knowledge) == []


def test_a_document_of_nobody_does_not_become_a_persons_by_being_sent_again(knowledge, own):
    for owner in ("", "ann"):
        knowledge.ingest_text("p", "a", "The same text.", owner=owner)
    assert own.documents("ann") == 0


def test_new_content_belongs_to_who_brought_it_and_quotes_of_the_old_are_still_found(
    knowledge, own
):
    done = [knowledge.ingest_text("p", "a", f"By {who}.", owner=who) for who in ("ann", "bob")]
    assert done[0].document_id in own.quotable("ann")
    own.delete_documents("ann")
    assert (names(knowledge), own.documents("ann"), own.documents("bob")) == (["a"], 0, 1)
    assert own.quotable("ann") == set()


def test_new_content_that_names_nobody_leaves_the_owner(knowledge, own):
    knowledge.ingest_text("p", "a", "Old.", owner="ann")
    knowledge.ingest_text("p", "a", "New.")
    assert own.documents("ann") == 1


def test_setting_tags_does_not_touch_the_owner(knowledge, own):
    knowledge.ingest_text("p", "a", "Old.", owner="ann")
    knowledge.documents.set_metadata("p", "a", tags=["x"], labels=["y"])
    assert own.documents("ann") == 1


def test_what_was_asked_is_forgotten_with_the_caches(knowledge, own):
    knowledge.ingest_text("p", "a", "The text.")
    knowledge.search("p", "ann's secret question")
    assert knowledge.caches.frequent_queries(9)
    own.empty_caches("ann")
    assert (knowledge.caches.frequent_queries(9), knowledge.searcher.held_documents()) == (
        [],
        set(),
    )
