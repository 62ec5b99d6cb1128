"""The database comes back, what was deleted does not, and what was lost is said."""

import math
import os
import sqlite3

import pytest

from tests.knowledge.maintenance.damage import unindex_a_row
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.errors import Corrupt
from trimtab.knowledge.maintenance.offline_repair import repair_closed
from trimtab.knowledge.signals import signals
from trimtab.knowledge.store.integrity import Damage


@pytest.fixture
def sea(knowledge, clock):
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    knowledge.ingest_text("sea", "crabs.md", "Crabs walk sideways.")
    clock.seconds += 60
    knowledge.maintenance.backup()
    clock.seconds += 60
    return knowledge


def names(knowledge):
    return [document.name for document in knowledge.documents.list("sea")]


def wreck(knowledge, table):
    """Overwrite the first page of the table's rows in the file."""
    with knowledge.database.read() as connection:
        page = connection.exec_driver_sql(
            f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'"
        ).scalar()
    with knowledge.database.alone() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with knowledge.database.file.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)


@pytest.mark.feature("F715")
@pytest.mark.feature("F722")
@pytest.mark.feature("F723")
def test_a_restore_goes_back_to_the_backup_and_says_what_was_lost(sea):
    sea.ingest_text("sea", "eels.md", "Eels glow.")
    os.umask(0o022)
    done = sea.maintenance.restore()
    assert names(sea) == ["crabs.md", "whales.md"]
    assert sea.database.file.stat().st_mode & 0o777 == 0o644
    assert (done.lost, done.as_dict()["report"]) == (1, "Documents lost: 1")
    assert done.lost_from == done.lost_to == "2026-01-01T00:02:00+00:00"


def test_a_document_that_is_back_in_an_older_version_counts_as_lost(sea):
    sea.ingest_text("sea", "whales.md", "Whales sing louder.")
    assert sea.maintenance.restore().lost == 1
    assert sea.documents.text("sea", "whales.md") == "Whales sing."


def test_the_share_that_a_restore_lost_is_a_signal(sea):
    (signal,) = [found for found in signals(sea) if found.name == "knowledge.restore.lost_ratio"]
    (before,) = signal.read()
    sea.ingest_text("sea", "eels.md", "Eels glow.")
    sea.maintenance.restore()
    (after,) = signal.read()
    assert math.isnan(before.value)
    assert after.value == pytest.approx(1 / 3)


@pytest.mark.feature("F716")
def test_a_restore_says_how_many_documents_there_are_now(sea):
    sea.ingest_text("sea", "eels.md", "Eels glow.")
    assert sea.maintenance.restore().documents == 2
    assert sea.documents.counts()["ready"] == 2


@pytest.mark.feature("F714")
def test_the_former_file_is_kept(sea):
    done = sea.maintenance.restore()
    assert done.kept_as == "corrupted_20260101_000200.db"
    assert (sea.database.file.parent / done.kept_as).exists()


def test_a_document_deleted_after_the_backup_stays_deleted(sea):
    sea.documents.delete("sea", "crabs.md")
    assert sea.maintenance.restore().deletions_applied == 1
    assert names(sea) == ["whales.md"]


def test_a_document_that_was_deleted_and_came_back_before_the_backup_is_restored(sea, clock):
    sea.documents.delete("sea", "crabs.md")
    sea.ingest_text("sea", "crabs.md", "Crabs walk sideways.")
    clock.seconds += 60
    sea.maintenance.backup()
    sea.maintenance.restore()
    assert names(sea) == ["crabs.md", "whales.md"]


def test_nothing_cached_before_a_restore_is_answered_after_it(sea):
    sea.ingest_text("sea", "eels.md", "Eels glow.")
    sea.search("sea", "eels glow")
    sea.maintenance.restore()
    assert "eels.md" not in [p.document_name for p in sea.search("sea", "eels glow").passages]


@pytest.mark.feature("F718")
@pytest.mark.feature("F720")
@pytest.mark.feature("F721")
@pytest.mark.parametrize("table", ["vectors", "chunks", "documents", "projects"])
def test_a_damaged_table_is_found_and_everything_comes_back_from_both_halves(sea, table):
    sea.ingest_text("sea", "eels.md", "Eels glow.")
    wreck(sea, table)
    assert sea.maintenance.check().damage is Damage.TABLE
    sea.maintenance.recover()
    assert sea.maintenance.check().ok
    expected = ["crabs.md", "whales.md"]
    if table == "vectors":  # Texts survived, so even the newest document did.
        expected = ["crabs.md", "eels.md", "whales.md"]
    assert names(sea) == expected
    sea.drain()
    assert sea.search("sea", "whales").passages[0].document_name == "whales.md"


def test_recovery_without_any_backup_keeps_what_can_be_read(knowledge):
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    wreck(knowledge, "vectors")
    knowledge.maintenance.recover()
    assert names(knowledge) == ["whales.md"]
    assert knowledge.drain() == 1


@pytest.mark.feature("F710")
def test_a_repair_gives_the_room_of_deleted_rows_back(sea):
    sea.ingest_text("sea", "eels.md", "Eels glow. " * 20_000)
    sea.documents.delete("sea", "eels.md")
    with sea.database.alone() as connection:
        assert connection.execute("PRAGMA freelist_count").fetchone()[0] > 10
    assert sea.maintenance.repair_indexes().ok
    with sea.database.alone() as connection:
        assert connection.execute("PRAGMA freelist_count").fetchone()[0] == 0


@pytest.mark.feature("F711")
@pytest.mark.feature("F613")
def test_a_damaged_index_is_told_apart_and_repaired_in_place(sea):
    unindex_a_row(sea)
    assert sea.maintenance.check().damage is Damage.INDEX
    assert sea.maintenance.repair_indexes().ok
    assert names(sea) == ["crabs.md", "whales.md"]


def test_an_answer_that_a_damaged_index_cut_short_is_not_served_after_the_repair(sea):
    unindex_a_row(sea)
    sea.indexes.restart()
    before = [passage.document_name for passage in sea.search("sea", "crabs").passages]
    sea.maintenance.repair_indexes()
    after = [passage.document_name for passage in sea.search("sea", "crabs").passages]
    assert "crabs.md" not in before
    assert after[0] == "crabs.md"


def test_a_full_text_index_that_lost_a_row_is_repaired_in_place(sea):
    with sea.database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO chunks_fts(chunks_fts, rowid, heading, text)"
            " SELECT 'delete', key, heading, text FROM chunks LIMIT 1"
        )
    assert sea.maintenance.check().damage is Damage.INDEX
    assert sea.maintenance.repair_indexes().ok
    assert sea.search("sea", "whales").passages[0].keyword_score is not None


@pytest.mark.parametrize("stop_at", ["before", "between", "after"])
def test_a_crash_in_the_middle_of_a_restore_leaves_a_whole_database(
    sea, open_knowledge, monkeypatch, stop_at
):
    from pathlib import Path

    sea.ingest_text("sea", "eels.md", "Eels glow.")
    real, calls = Path.replace, []

    def crashing(self, target):
        moved = "replacing" not in str(target) and "corrupted" in str(target)
        into_place = str(target).endswith("knowledge.db")
        if (stop_at == "before" and moved) or (stop_at == "between" and into_place):
            raise KeyboardInterrupt
        real(self, target)
        calls.append(target)
        if stop_at == "after" and into_place:
            raise KeyboardInterrupt
        return target

    monkeypatch.setattr(Path, "replace", crashing)
    with pytest.raises(KeyboardInterrupt):
        sea.maintenance.restore()
    monkeypatch.undo()
    again = open_knowledge()
    assert names(again) == ["crabs.md", "whales.md"]
    assert again.maintenance.check().ok


def test_a_database_that_cannot_be_opened_is_repaired_while_no_service_runs(
    sea, open_knowledge, clock
):
    sea.documents.delete("sea", "crabs.md")
    data = sea.database.file.parent
    sea.close()
    with sea.database.file.open("r+b") as file:
        file.write(b"no database")
    with pytest.raises(Corrupt) as caught:
        open_knowledge()
    assert "knowledge recover" in caught.value.hint()
    with DataDirectory(data) as directory:
        done = repair_closed(directory, KnowledgeSettings(), clock)
    assert (done.lost, done.deletions_applied) == (None, 1)
    assert names(open_knowledge()) == ["whales.md"]


def test_a_backup_with_a_damaged_full_text_index_is_restored(sea):
    (backup,) = sea.maintenance.backups.list()
    with sqlite3.connect(backup.path) as connection:
        connection.execute("DELETE FROM chunks_fts_idx")
    sea.maintenance.restore()
    assert sea.maintenance.check().ok
    assert sea.search("sea", "whales").passages
