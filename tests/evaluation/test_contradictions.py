# ruff: noqa: F811 - fixtures.
"""New statements that conflict with older documents are found, and others are left alone."""

from datetime import timedelta

import pytest

from tests.knowledge.both_engines import knowledge_server  # noqa: F401 - fixture.
from tests.knowledge.conftest import (  # noqa: F401 - fixtures.
    clock,
    home,
    knowledge,
    open_knowledge,
)
from trimtab.evaluation.contradictions import ContradictionFinder, conflict, contradiction_signal


@pytest.mark.feature("F457")
@pytest.mark.parametrize(
    ("new", "old", "kind"),
    [
        ("The cache holds 200 entries by default.", "The cache holds 100 entries by default.", "figure"),
        ("Backups are kept for 14 days.", "Backups are kept for seven days.", "figure"),
        ("The hall closes on 5 March 2026.", "The hall closes on 4 March 2026.", "figure"),
        ("Visitors must not enter the pump room.", "Visitors must enter the pump room.", "negation"),
        ("The valve is closed at night.", "The valve is not closed at night.", "negation"),
        ("Der Hafen ist im Winter nicht offen.", "Der Hafen ist im Winter offen.", "negation"),
        ("Tank: Q-087; Pressure: 500; Wall: steel", "Tank: Q-087; Pressure: 435; Wall: steel", "figure"),
    ],
)  # fmt: skip
def test_statements_about_the_same_conflict_in_a_figure_or_a_negation(new, old, kind):
    assert conflict(new, old) == kind
    assert conflict(old, new) == kind


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("The cache holds 100 entries.", "The cache holds 100 entries."),
        ("The cache holds 1,000 entries.", "The cache holds 1000 entries."),
        ("The cache holds 1.2 million entries.", "The cache holds 1,200,000 entries."),
        # About other things.
        ("The cache holds 200 entries.", "The queue takes 100 jobs."),
        ("Tank Q-087 holds 435 litres.", "Tank Q-100 holds 957 litres."),
        ("The harbour of Hall has 12 lamps.", "The harbour of Ulm has 30 lamps."),
        ("Tank: Q-087; Pressure: 500; Wall: steel", "Tank: Q-100; Pressure: 435; Wall: steel"),
        ("Release v2.1 needs 4 GB of memory.", "Release v1.9 needs 2 GB of memory."),
        # Another figure at another date.
        ("Revenue in 2025 was 7 million.", "Revenue in 2024 was 5 million."),
        # More is said, nothing else.
        ("The cache holds 100 entries and 5 lists.", "The cache holds 100 entries."),
        ("The valve is closed.", "The valve is closed at night."),
        ("Yes, 4.", "No, 5."),
    ],
)
def test_other_statements_do_not(new, old):
    assert conflict(new, old) == ""
    assert conflict(old, new) == ""


@pytest.fixture
def finder(knowledge, clock):
    return ContradictionFinder(knowledge.neighbours, clock)


OLD = "# Cache\n\nThe query cache holds 100 entries by default.\n"
NEW = "# Cache\n\nThe query cache holds 200 entries by default.\n"


def _places(found):
    return [(each.kind, each.new.document, each.old.document) for each in found]


def _ingest_later(knowledge, clock, name, text, days=30):
    clock.sleep(days * 86_400)
    knowledge.ingest_text("sea", name, text)


@pytest.mark.feature("F457")
def test_a_new_document_that_contradicts_an_older_one_is_listed_with_both_places(
    knowledge, finder, clock
):
    knowledge.ingest_text("sea", "old.md", OLD)
    _ingest_later(knowledge, clock, "new.md", NEW)
    (found,) = finder.find("sea")
    assert (found.kind, found.new.text, found.old.text) == (
        "figure",
        "The query cache holds 200 entries by default.",
        "The query cache holds 100 entries by default.",
    )
    assert (found.new.document, found.old.document, found.old.heading) == (
        "new.md",
        "old.md",
        "Cache",
    )
    assert found.new.at - found.old.at == timedelta(days=30)


def test_what_is_older_than_the_days_asked_for_is_not_new(knowledge, finder, clock):
    knowledge.ingest_text("sea", "old.md", OLD)
    _ingest_later(knowledge, clock, "new.md", NEW)
    clock.sleep(8 * 86_400)
    assert finder.find("sea") == []
    assert _places(finder.find("sea", days=9)) == [("figure", "new.md", "old.md")]


def test_of_two_documents_that_came_together_the_later_is_the_new_one(knowledge, finder):
    knowledge.ingest_text("sea", "a.md", OLD)
    knowledge.ingest_text("sea", "b.md", NEW)
    assert _places(finder.find("sea")) == [("figure", "b.md", "a.md")]


def test_a_document_does_not_contradict_itself(knowledge, finder):
    knowledge.ingest_text("sea", "a.md", f"{OLD}\n{NEW}")
    assert finder.find("sea") == []


def test_a_corrected_document_is_no_contradiction_any_more(knowledge, finder, clock):
    knowledge.ingest_text("sea", "old.md", OLD)
    _ingest_later(knowledge, clock, "new.md", NEW)
    knowledge.ingest_text("sea", "old.md", NEW)
    assert finder.find("sea") == []


def test_what_a_caller_may_not_see_is_not_listed(knowledge, finder, clock):
    knowledge.ingest_text("sea", "old.md", OLD)
    _ingest_later(knowledge, clock, "new.md", NEW)
    knowledge.documents.set_metadata("sea", "old.md", labels=("board",))
    assert finder.find("sea", labels=("staff",)) == []
    assert len(finder.find("sea", labels=("board",))) == 1


def test_the_list_is_not_longer_than_asked_for(knowledge, finder, clock):
    knowledge.ingest_text("sea", "old.md", OLD)
    for number in range(3):
        _ingest_later(knowledge, clock, f"{number}.md", NEW.replace("200", f"{number + 2}00"), 1)
    assert len(finder.find("sea", days=90, limit=2)) == 2


def _counts(finder):
    return {s.labels["project"]: s.value for s in contradiction_signal(finder).read()}


@pytest.mark.feature("F457")
def test_a_look_counts_by_project_and_compares_only_what_changed(knowledge, finder, clock):
    knowledge.ingest_text("sea", "old.md", OLD)
    _ingest_later(knowledge, clock, "new.md", NEW)
    assert _counts(finder) == {}
    finder.look(["sea"])
    assert _counts(finder) == {"sea": 1}
    finder.find = None  # A second look at the same documents would fail.
    finder.look(["sea"])
    finder.look([])
    assert _counts(finder) == {}
