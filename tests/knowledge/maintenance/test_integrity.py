"""Damage of every kind is noticed, named, and told; a sound database is said to be sound."""

import subprocess
import threading

import pytest

from tests.knowledge.maintenance.test_restore import wreck
from trimtab.kernel.errors import Corrupt
from trimtab.knowledge.store.integrity import Damage


@pytest.fixture
def sea(knowledge):
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    knowledge.documents.set_metadata("sea", "whales.md", tags=["mammal"])
    return knowledge


def unchecked(knowledge, statement):
    """Change a row as a fault of the disk would: against the rules."""
    with knowledge.database.alone() as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(statement)


@pytest.mark.feature("F612", "F704")
def test_a_sound_database_passes_its_check(sea):
    found = sea.maintenance.check()
    assert (found.ok, found.damage, found.problems) == (True, Damage.NONE, ())


@pytest.mark.feature("F700")
def test_a_project_that_is_missing_from_the_list_is_damage(sea):
    unchecked(sea, "DELETE FROM projects")
    assert sea.projects.list() == ()
    assert sea.maintenance.check().damage is Damage.TABLE


@pytest.mark.feature("F701")
def test_metadata_of_no_document_is_damage(sea):
    unchecked(sea, "UPDATE metadata SET document_key = document_key + 100")
    found = sea.maintenance.check()
    assert found.damage is Damage.TABLE
    assert "metadata" in found.problems[0]


@pytest.mark.feature("F702", "F699")
def test_an_operation_that_fails_for_damage_has_the_database_checked_at_the_next_beat(sea):
    wreck(sea, "documents")
    with pytest.raises(Corrupt, match="malformed"):
        sea.documents.list("sea")
    sea.beat()
    assert sea.maintenance.integrity.damage is Damage.TABLE


@pytest.mark.feature("F709")
def test_while_indexes_are_made_anew_nobody_writes(sea):
    writer = threading.Thread(target=sea.projects.create, args=("land",))
    with sea.database.alone() as connection:
        writer.start()
        writer.join(0.3)
        assert writer.is_alive()
        assert connection.execute("SELECT name FROM projects").fetchall() == [("sea",)]
    writer.join()
    assert len(sea.projects.list()) == 2


@pytest.mark.durable
@pytest.mark.feature("F728")
def test_the_database_keeps_a_write_ahead_log_and_syncs_every_commit(sea):
    with sea.database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


@pytest.mark.feature("F706")
def test_what_is_stored_is_counted_to_compare_it_with_what_was_expected(sea):
    stats = sea.stats()
    assert (stats.projects, stats.documents, stats.metadata) == (1, 1, 1)


@pytest.mark.feature("F705")
def test_size_and_permissions_of_the_file_are_told_and_others_cannot_write_it(sea):
    facts = sea.stats().database
    folder = sea.database.file.parent
    held = sum(
        folder.joinpath(name).stat().st_size for name in ("knowledge.db", "knowledge.db-wal")
    )
    assert facts.bytes == held > 50_000
    assert facts.mode == f"{sea.database.file.stat().st_mode & 0o777:o}"
    assert sea.database.file.stat().st_mode & 0o022 == 0


@pytest.mark.feature("F626")
def test_the_use_of_the_file_system_is_that_of_its_disk(sea):
    disk = sea.maintenance.disk.disk()
    command = ["df", "-B1", "--output=used,avail,pcent", str(sea.database.file.parent)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    used, available, percent = printed[-3:]
    assert disk.total_bytes == pytest.approx(int(used) + int(available), rel=0.01)
    assert disk.used_ratio * 100 == pytest.approx(int(percent.rstrip("%")), abs=1.5)
