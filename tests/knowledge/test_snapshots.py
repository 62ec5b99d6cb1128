"""Snapshots of the indexes are taken, kept for their time, and bring an index back without what was deleted since."""

import os

import pytest

from tests.knowledge.both_engines import knowledge_server  # noqa: F401 - fixture.
from trimtab.kernel.errors import Corrupt, StorageFull
from trimtab.knowledge.errors import SnapshotUnknown

DAY = 86_400


@pytest.fixture
def sea(knowledge):
    for name, text in (
        ("whales", "Whales sing."),
        ("crabs", "Crabs walk."),
        ("eels", "Eels glow."),
    ):
        knowledge.ingest_text("sea", f"{name}.md", text)
    knowledge.search("sea", "whales")
    return knowledge


def built(knowledge, monkeypatch):
    """Return the passages that are analysed again from now on."""
    seen = []
    analysed = knowledge.indexes._store.passages

    def passages(keys, model):
        seen.extend(keys)
        return analysed(keys, model)

    monkeypatch.setattr(knowledge.indexes._store, "passages", passages)
    return seen


def first(knowledge, query):
    return knowledge.search("sea", query).passages[0].document_name


def test_a_restored_snapshot_answers_without_building_the_index_again(sea, monkeypatch):
    sea.snapshots.take()
    sea.indexes.restart()
    seen = built(sea, monkeypatch)
    assert sea.snapshots.restore() == ("daily_20260101.tar", 1)
    sea.caches.empty()
    assert first(sea, "crabs walk") == "crabs.md"
    assert seen == []


def test_what_changed_since_the_snapshot_is_brought_in_and_what_was_deleted_is_not_found(
    sea, monkeypatch
):
    sea.snapshots.take()
    sea.documents.delete("sea", "eels.md")
    sea.ingest_text("sea", "rays.md", "Rays glide.")
    sea.indexes.restart()
    seen = built(sea, monkeypatch)
    sea.snapshots.restore()
    sea.caches.empty()
    assert first(sea, "rays glide") == "rays.md"
    assert "eels.md" not in {
        found.document_name for found in sea.search("sea", "eels glow").passages
    }
    assert len(seen) == 1
    assert sea.verify_deletions().violations == ()


def test_a_row_number_that_was_given_to_another_passage_is_not_taken_for_the_old_one(sea):
    sea.maintenance.backup()
    sea.ingest_text("sea", "rays.md", "Rays glide.")
    sea.search("sea", "rays")
    sea.snapshots.take()
    sea.maintenance.restore()
    sea.ingest_text("sea", "seals.md", "Seals bark.")
    sea.indexes.restart()
    sea.snapshots.restore()
    sea.caches.empty()
    assert first(sea, "seals bark") == "seals.md"


@pytest.mark.feature("F633", "F634")
def test_seven_daily_snapshots_are_kept_and_none_over_thirty_days(sea, clock):
    for _ in range(10):
        made = sea.snapshots.take().path
        os.utime(made, (clock.now().timestamp(), clock.now().timestamp()))
        clock.seconds += DAY
    assert len(sea.snapshots.list()) == 7
    clock.seconds += 30 * DAY
    made = sea.snapshots.take().path
    assert [found.path for found in sea.snapshots.list()] == [made]


def test_no_snapshot_is_taken_that_would_leave_less_than_the_floor_free(sea, monkeypatch):
    monkeypatch.setattr(type(sea.maintenance.disk), "floor_bytes", lambda _: 10**18)
    with pytest.raises(StorageFull, match="none was taken"):
        sea.snapshots.take()
    assert sea.snapshots.list() == ()


def test_a_damaged_snapshot_is_refused_and_the_indexes_stay(sea):
    made = sea.snapshots.take().path
    made.write_bytes(b"no archive" * 100)
    with pytest.raises(Corrupt, match="cannot be read"):
        sea.snapshots.restore()
    assert first(sea, "crabs walk") == "crabs.md"


def test_without_a_snapshot_the_restore_says_so(sea):
    with pytest.raises(SnapshotUnknown):
        sea.snapshots.restore()
