"""Old files go by their age; when the disk is nearly full, more of them."""

import gzip
import math
import os
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

import trimtab
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.infra.temporary import PREFIXES, leftovers
from trimtab.kernel.operable import ActionContext, Risk
from trimtab.knowledge.actions import actions
from trimtab.knowledge.errors import NoDiskBudget
from trimtab.knowledge.maintenance.backups import Backups
from trimtab.knowledge.maintenance.cleanup import Cleanup
from trimtab.knowledge.maintenance.memory import WARM_UP_SECONDS

DAY = 86_400


@pytest.fixture
def aged(knowledge, clock):
    """Make a file in the data directory that is so many days old."""

    def make(name, days, content=b"x" * 1000):
        file = knowledge.database.file.parent / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        stamp = clock.now().timestamp() - days * DAY
        os.utime(file, (stamp, stamp))
        return file

    return make


@pytest.mark.feature("F630")
@pytest.mark.feature("F631")
def test_logs_are_compressed_after_a_week_and_removed_after_a_month(knowledge, aged):
    young, old = aged("logs/young.log", 6), aged("logs/old.log", 8)
    ancient = aged("logs/ancient.log.gz", 31)
    knowledge.maintenance.clean_up()
    assert young.exists()
    assert (old.exists(), old.with_name("old.log.gz").exists()) == (False, True)
    assert not ancient.exists()


@pytest.mark.feature("F633")
@pytest.mark.feature("F634")
def test_snapshots_go_after_30_days_and_seven_daily_ones_stay(knowledge, aged):
    aged("snapshots/full", 31)
    for day in range(9):
        aged(f"snapshots/daily_{day}", day)
    knowledge.maintenance.clean_up()
    left = sorted(p.name for p in (knowledge.database.file.parent / "snapshots").iterdir())
    assert left == [f"daily_{day}" for day in range(7)]


def test_temporary_files_go_after_a_day(knowledge, aged):
    young, old = aged("temp/young", 0.5), aged("temp/old", 1.5)
    done = knowledge.maintenance.clean_up()
    assert (young.exists(), old.exists(), done.freed_bytes["temp"]) == (True, False, 4096)


@pytest.mark.feature("F628", "F629")
def test_a_clean_up_says_beforehand_which_kinds_of_files_are_too_old(knowledge, aged):
    aged("snapshots/full", 31, b"x" * 8192)
    aged("logs/never_rotated.log", 40, b"x" * 4096)
    aged("logs/young.log", 1)
    (clean_up,) = [found for found in actions(knowledge) if found.name == "knowledge.disk.clean_up"]
    said = clean_up.dry_run({}, ActionContext("key", "test"))
    expected = {"logs": 4096, "snapshots": 8192, "temp": 0, "backups": 0, "set_aside": 0}
    assert said.facts["bytes"] == expected
    assert said.changes
    assert said.summary == "12288 bytes would be removed."


def test_a_dry_run_says_which_logs_would_be_compressed(knowledge, aged):
    (clean_up,) = [found for found in actions(knowledge) if found.name == "knowledge.disk.clean_up"]
    nothing = clean_up.dry_run({}, ActionContext("key", "test"))
    aged("logs/old.log", 8, b"x" * 8192)
    said = clean_up.dry_run({}, ActionContext("key", "test"))
    assert (nothing.changes, said.changes) == (False, True)
    assert "logs of 8192 bytes compressed; how much that frees is unknown" in said.summary


def test_on_a_nearly_full_disk_a_dry_run_names_the_backups_that_may_go(open_knowledge, clock):
    knowledge = open_knowledge(disk_max_used_percent=1)
    for _ in range(3):
        knowledge.maintenance.backup()
        clock.seconds += 3600
    (clean_up,) = [found for found in actions(knowledge) if found.name == "knowledge.disk.clean_up"]
    said = clean_up.dry_run({}, ActionContext("key", "test"))
    sizes = [backup.size_bytes for backup in knowledge.maintenance.backups.list()]
    assert said.facts["more_backups_bytes"] == sum(sizes[1:])
    assert said.changes


@pytest.mark.feature("F637")
def test_the_report_is_the_contracts_line(knowledge):
    assert knowledge.maintenance.clean_up().report.startswith("Disk cleanup complete at Thu Jan  1")


def test_below_its_floor_the_disk_gets_all_backups_but_the_newest(open_knowledge, clock):
    knowledge = open_knowledge(disk_max_used_percent=1)
    for _ in range(3):
        knowledge.maintenance.backup()
        clock.seconds += 3600
    done = knowledge.maintenance.clean_up()
    assert len(knowledge.maintenance.backups.list()) == 1
    assert not done.enough


def test_the_database_itself_is_never_cleaned_up(knowledge, clock):
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    clock.seconds += 1000 * DAY
    knowledge.maintenance.clean_up()
    assert knowledge.documents.list("sea")


@pytest.mark.feature("F627")
def test_the_largest_things_are_listed_first(knowledge, aged):
    aged("temp/big", 0, b"x" * 4096 * 2500)
    (usage,) = [found for found in actions(knowledge) if found.name == "knowledge.disk.usage"]
    said = usage.run({"limit": 2}, ActionContext("key", "test"))
    assert said.facts["largest"][0] == {"name": "temp", "bytes": 4096 * 2500}
    assert [len(said.facts["largest"]), usage.risk] == [2, Risk.OBSERVE]


class HeapDumpMarker:
    """Objects that a heap dump must count."""


@pytest.mark.feature("F570")
@pytest.mark.feature("F571")
def test_a_heap_dump_counts_types_and_shows_no_contents(knowledge, tmp_path):
    secret = ["a very secret text"] * 3
    many = [HeapDumpMarker() for _ in range(300_000)]
    found = knowledge.maintenance.memory.dump(tmp_path / "heap_dump.txt")
    text = (tmp_path / "heap_dump.txt").read_text()
    assert len(found.objects) == 20
    assert list(found.objects.values()) == sorted(found.objects.values(), reverse=True)
    assert found.objects["HeapDumpMarker"] == len(many)
    assert "HeapDumpMarker" in text
    assert secret[0] not in text


@pytest.mark.feature("F568")
def test_growth_is_what_30_minutes_showed(knowledge, clock, monkeypatch):
    clock.seconds += WARM_UP_SECONDS
    sizes = iter(range(100, 200))
    monkeypatch.setattr(knowledge.maintenance.memory, "resident_mb", lambda: next(sizes))
    for _ in range(31):
        knowledge.maintenance.memory.look()
        clock.seconds += 60
    assert knowledge.maintenance.memory.growth_mb_per_hour() == pytest.approx(60, rel=0.05)


def test_files_that_vanish_while_the_disk_is_measured_count_as_nothing(
    knowledge, aged, monkeypatch
):
    gone = aged("temp/gone", 0)
    before = knowledge.maintenance.disk.data_bytes()
    walked = list(os.walk(gone.parent))
    gone.unlink()
    monkeypatch.setattr(os, "walk", lambda _: walked)
    assert knowledge.maintenance.disk.data_bytes() < before


@pytest.mark.parametrize(("minutes", "known"), [(30, False), (44, False), (46, True)])
def test_the_first_half_hour_of_a_process_is_its_warm_up(
    knowledge, clock, monkeypatch, minutes, known
):
    sizes = iter(range(100, 1000, 5))
    monkeypatch.setattr(knowledge.maintenance.memory, "resident_mb", lambda: next(sizes))
    for _ in range(minutes):
        knowledge.maintenance.memory.look()
        clock.seconds += 60
    assert math.isfinite(knowledge.maintenance.memory.growth_mb_per_hour()) is known


def test_one_jump_is_no_growth(knowledge, clock, monkeypatch):
    clock.seconds += WARM_UP_SECONDS
    sizes = iter([100] * 12 + [600] * 19)
    monkeypatch.setattr(knowledge.maintenance.memory, "resident_mb", lambda: next(sizes))
    for _ in range(31):
        knowledge.maintenance.memory.look()
        clock.seconds += 60
    assert knowledge.maintenance.memory.growth_mb_per_hour() == 0


@pytest.mark.feature("F635")
def test_only_own_old_files_of_the_system_temporary_folder_go(tmp_path, clock):
    old, folder = clock.now().timestamp() - 2 * DAY, tmp_path / "tmp"
    folder.mkdir()
    outside = tmp_path / "precious"
    outside.mkdir()
    (outside / "file").write_text("kept")

    def make(name, *, when=old, uid=None):
        made = folder / name
        made.mkdir()
        (made / "data").write_text("x")
        for each in (made / "data", made):
            os.utime(each, (when, when))
        if uid is not None:
            os.chown(made, uid, -1)
        return made

    gone = make("trimtab-drills-1")
    (gone / "link").symlink_to(outside)
    os.utime(gone / "link", (old, old), follow_symlinks=False)
    os.utime(gone, (old, old))
    young = make("trimtab-drills-2", when=clock.now().timestamp() - 0.5 * DAY)
    other = make("somebody-else")
    (folder / "trimtab-demo-link").symlink_to(outside)
    used = make("trimtab-demo-used")
    held = DataDirectory(used, floor_bytes=0)
    for each in (used / "trimtab.lock", used):
        os.utime(each, (old, old))
    found = list(leftovers(clock.now().timestamp() - DAY, folder))
    held.close()
    assert found == [gone]
    Cleanup(tmp_path / "data", _backups(tmp_path, clock), KnowledgeSettings(), clock, folder).run()
    left = {file.name for file in folder.iterdir()}
    assert left == {young.name, other.name, "trimtab-demo-link"}
    assert (outside / "file").read_text() == "kept"


def test_another_users_temporary_files_are_left_alone(tmp_path, clock, monkeypatch):
    file = tmp_path / "trimtab-proof-1"
    file.write_text("x")
    os.utime(file, (0, 0))
    assert list(leftovers(clock.now().timestamp(), tmp_path)) == [file]
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    assert list(leftovers(clock.now().timestamp(), tmp_path)) == []


def test_every_temporary_folder_of_the_program_has_a_name_that_the_clean_up_knows():
    source = Path(trimtab.__file__).parent
    made = {
        name
        for file in source.rglob("*.py")
        for name in re.findall(r'prefix="(trimtab-[a-z]+-)"', file.read_text())
    }
    assert made == set(PREFIXES)


@pytest.mark.parametrize(("total_gb", "floor_gb"), [(1000, 5.0), (50, 5.0), (49, 4.9), (10, 1.0)])
def test_the_floor_is_five_gigabytes_or_a_tenth_of_a_smaller_disk(
    knowledge, monkeypatch, total_gb, floor_gb
):
    size = total_gb * 1024**3
    usage = shutil.disk_usage("/")._replace(total=2 * size, used=size // 4, free=size - size // 4)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert knowledge.maintenance.disk.floor_bytes() == pytest.approx(floor_gb * 1024**3)


def test_the_file_that_the_service_logs_to_is_left_to_its_handler(knowledge, aged):
    active, rotated = aged("logs/trimtab.log", 40), aged("logs/trimtab.log.1", 40)
    knowledge.maintenance.clean_up()
    assert (active.exists(), rotated.exists()) == (True, False)


def test_a_second_log_of_the_same_name_does_not_replace_the_first_compressed_one(knowledge, aged):
    aged("logs/trimtab.log.1.gz", 9, gzip.compress(b"first"))
    aged("logs/trimtab.log.1", 8, b"second")
    knowledge.maintenance.clean_up()
    packed = sorted((knowledge.database.file.parent / "logs").iterdir())
    assert [gzip.decompress(file.read_bytes()) for file in packed] == [b"second", b"first"]


def test_set_aside_files_and_cut_off_backups_go_with_the_backups_of_their_time(knowledge, aged):
    old, young = aged("corrupted_1.db", 8), aged("corrupted_2.db", 6)
    partial = aged("backups/knowledge.db.20251231_000000.partial", 2)
    knowledge.maintenance.clean_up()
    assert (old.exists(), young.exists(), partial.exists()) == (False, True, False)


def test_growing_the_budget_doubles_it_and_its_undo_sets_it_back(knowledge, aged):
    (grow,) = [found for found in actions(knowledge) if found.name == "knowledge.disk.grow_budget"]
    context = ActionContext("key", "test")
    with pytest.raises(NoDiskBudget):
        grow.run({}, context)
    knowledge.maintenance.set_disk_budget(100)
    done = grow.run({}, context)
    assert (done.facts["after_mb"], knowledge.maintenance.disk.budget_bytes) == (200, 200 * 1024**2)
    grow.undo(done.undo_arguments, context)
    assert knowledge.maintenance.disk.budget_bytes == 100 * 1024**2


def test_the_budget_is_not_raised_beyond_what_the_disk_has(knowledge, monkeypatch):
    knowledge.maintenance.set_disk_budget(100)
    monkeypatch.setattr("trimtab.knowledge.maintenance.service.free_bytes", lambda _: 150 * 1024**2)
    assert 150 <= knowledge.maintenance.doubled_budget_mb() < 160
    monkeypatch.setattr("trimtab.knowledge.maintenance.service.free_bytes", lambda _: 0)
    with pytest.raises(NoDiskBudget):
        knowledge.maintenance.doubled_budget_mb()


def _backups(folder, clock):
    data = folder / "data"
    data.mkdir(exist_ok=True)
    return Backups(data / "knowledge.db", data / "backups", timedelta(days=7), clock)
