"""Old files go by their age; when the disk is nearly full, more of them."""

import math
import os

import pytest

from trimtab.kernel.operable import ActionContext
from trimtab.knowledge.actions import actions
from trimtab.knowledge.care.memory import WARM_UP_SECONDS
from trimtab.knowledge.signals import signals

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
    knowledge.care.clean_up()
    assert young.exists()
    assert (old.exists(), old.with_name("old.log.gz").exists()) == (False, True)
    assert not ancient.exists()


@pytest.mark.feature("F633")
@pytest.mark.feature("F634")
def test_snapshots_go_after_30_days_and_seven_daily_ones_stay(knowledge, aged):
    aged("snapshots/full", 31)
    for day in range(9):
        aged(f"snapshots/daily_{day}", day)
    knowledge.care.clean_up()
    left = sorted(p.name for p in (knowledge.database.file.parent / "snapshots").iterdir())
    assert left == [f"daily_{day}" for day in range(7)]


def test_temporary_files_go_after_a_day(knowledge, aged):
    young, old = aged("temp/young", 0.5), aged("temp/old", 1.5)
    done = knowledge.care.clean_up()
    assert (young.exists(), old.exists(), done.freed_bytes["temp"]) == (True, False, 1000)


@pytest.mark.feature("F632")
def test_what_a_clean_up_gave_back_is_said_and_kept_as_a_signal(knowledge, aged):
    (signal,) = [found for found in signals(knowledge) if found.name == "knowledge.disk.freed"]
    aged("temp/old", 2, b"x" * 5_000_000)
    before = knowledge.care.disk.data_bytes()
    done = knowledge.care.clean_up()
    assert before - knowledge.care.disk.data_bytes() == sum(done.freed_bytes.values()) == 5_000_000
    assert [sample.value for sample in signal.read()] == [5_000_000]


@pytest.mark.feature("F628", "F629")
def test_a_clean_up_says_beforehand_which_kinds_of_files_are_too_old(knowledge, aged):
    aged("snapshots/full", 31, b"x" * 3000)
    aged("logs/never_rotated.log", 40, b"x" * 2000)
    aged("logs/young.log", 1)
    (clean_up,) = [found for found in actions(knowledge) if found.name == "knowledge.disk.clean_up"]
    said = clean_up.dry_run({}, ActionContext("key", "test"))
    assert said.facts["bytes"] == {"logs": 2000, "snapshots": 3000, "temp": 0}


@pytest.mark.feature("F637")
def test_the_report_is_the_contracts_line(knowledge):
    assert knowledge.care.clean_up().report.startswith("Disk cleanup complete at Thu Jan  1")


def test_below_its_floor_the_disk_gets_all_backups_but_the_newest(open_knowledge, clock):
    knowledge = open_knowledge(disk_min_free_gb=10**6)
    for _ in range(3):
        knowledge.care.backup()
        clock.seconds += 3600
    done = knowledge.care.clean_up()
    assert len(knowledge.care.backups.list()) == 1
    assert not done.enough


def test_the_database_itself_is_never_cleaned_up(knowledge, clock):
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    clock.seconds += 1000 * DAY
    knowledge.care.clean_up()
    assert knowledge.documents("sea")


@pytest.mark.feature("F627")
def test_the_largest_things_are_listed_first(knowledge, aged):
    aged("temp/big", 0, b"x" * 10_000_000)
    assert knowledge.care.disk.largest()[0] == ("temp", 10_000_000)


@pytest.mark.feature("F570")
@pytest.mark.feature("F571")
def test_a_heap_dump_counts_types_and_shows_no_contents(knowledge, tmp_path):
    secret = ["a very secret text"] * 3
    found = knowledge.care.memory.dump(tmp_path / "heap_dump.txt")
    text = (tmp_path / "heap_dump.txt").read_text()
    assert len(found.objects) == 20
    assert secret[0] not in text


@pytest.mark.feature("F568")
def test_growth_is_what_30_minutes_showed(knowledge, clock, monkeypatch):
    clock.seconds += WARM_UP_SECONDS
    sizes = iter(range(100, 200))
    monkeypatch.setattr(knowledge.care.memory, "resident_mb", lambda: next(sizes))
    for _ in range(31):
        knowledge.care.memory.look()
        clock.seconds += 60
    assert knowledge.care.memory.growth_mb_per_hour() == pytest.approx(60, rel=0.05)


def test_files_that_vanish_while_the_disk_is_measured_count_as_nothing(
    knowledge, aged, monkeypatch
):
    gone = aged("temp/gone", 0)
    before = knowledge.care.disk.data_bytes()
    walked = list(os.walk(gone.parent))
    gone.unlink()
    monkeypatch.setattr(os, "walk", lambda _: walked)
    assert knowledge.care.disk.data_bytes() < before


@pytest.mark.parametrize(("minutes", "known"), [(30, False), (44, False), (46, True)])
def test_the_first_half_hour_of_a_process_is_its_warm_up(
    knowledge, clock, monkeypatch, minutes, known
):
    sizes = iter(range(100, 1000, 5))
    monkeypatch.setattr(knowledge.care.memory, "resident_mb", lambda: next(sizes))
    for _ in range(minutes):
        knowledge.care.memory.look()
        clock.seconds += 60
    assert math.isfinite(knowledge.care.memory.growth_mb_per_hour()) is known


def test_one_jump_is_no_growth(knowledge, clock, monkeypatch):
    clock.seconds += WARM_UP_SECONDS
    sizes = iter([100] * 12 + [600] * 19)
    monkeypatch.setattr(knowledge.care.memory, "resident_mb", lambda: next(sizes))
    for _ in range(31):
        knowledge.care.memory.look()
        clock.seconds += 60
    assert knowledge.care.memory.growth_mb_per_hour() == 0
