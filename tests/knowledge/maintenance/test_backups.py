"""Backups are made in use, checked, kept for their time, and found by check."""

import math
from pathlib import Path

import pytest

from trimtab.knowledge.errors import NoGoodBackup
from trimtab.knowledge.maintenance.backups import copy_database
from trimtab.knowledge.signals import signals

DAY = 86_400


@pytest.fixture
def sea(knowledge):
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    return knowledge


def damage(path: Path, share: float = 0.5):
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * share) // 4096 * 4096)
        file.write(b"\xa5" * 4096)


@pytest.mark.feature("F729")
def test_a_backup_is_a_whole_database_named_by_its_time(sea):
    backup = sea.maintenance.backup()
    assert backup.path.name == "knowledge.db.20260101_000000"
    assert sea.maintenance.backups.newest_good() == backup


@pytest.mark.feature("F708")
def test_whether_there_is_a_backup_and_how_old_it_is_can_be_read(sea, clock):
    (age,) = [found for found in signals(sea) if found.name == "knowledge.backup.age"]
    (before,) = age.read()
    sea.maintenance.backup()
    clock.seconds += 600
    (after,) = age.read()
    assert math.isnan(before.value)
    assert after.value == 600
    assert len(sea.maintenance.backups.list()) == 1


@pytest.mark.feature("F730")
def test_backups_are_kept_seven_days_and_the_newest_for_ever(sea, clock):
    sea.maintenance.backup()
    clock.seconds += 6 * DAY
    sea.maintenance.backup()
    assert len(sea.maintenance.backups.list()) == 2
    clock.seconds += 2 * DAY
    sea.maintenance.backups.prune()
    clock.seconds += 20 * DAY
    sea.maintenance.backups.prune()
    assert [b.path.name for b in sea.maintenance.backups.list()] == ["knowledge.db.20260107_000000"]


@pytest.mark.feature("F713")
def test_the_newest_good_backup_is_found_by_check_not_by_name(sea, clock):
    good = sea.maintenance.backup()
    clock.seconds += 3600
    damage(sea.maintenance.backup().path)
    assert sea.maintenance.backups.newest_good() == good


def test_a_damaged_database_is_not_backed_up_over_good_backups(sea, clock):
    from trimtab.kernel.errors import Corrupt

    good = sea.maintenance.backup()
    clock.seconds += 30 * DAY
    sea.database.engine.dispose()
    damage(sea.database.file)
    with pytest.raises(Corrupt):
        sea.maintenance.backups.take()
    assert sea.maintenance.backups.list() == (good,)
    assert [file.name for file in sea.maintenance.backups.folder.iterdir()] == [good.path.name]


def test_names_without_seconds_are_read_too(sea):
    copy_database(sea.database.file, sea.maintenance.backups.folder / "knowledge.db.20251008_0200")
    (found,) = sea.maintenance.backups.list()
    assert (found.at.hour, found.at.minute) == (2, 0)


def test_without_any_backup_there_is_nothing_to_restore(sea):
    with pytest.raises(NoGoodBackup):
        sea.maintenance.restore()
    assert sea.search("sea", "whales").passages
