"""A disk that is really full: every write is refused, counted and told, and nothing that was there is lost."""

import gzip
import logging
import os
import shutil
import sqlite3

import pytest

from tests.full_disk import fill
from tests.knowledge.conftest import WordModelHome
from trimtab.infra.compress import NoRoom, compress
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory, DiskReserve
from trimtab.infra.telemetry import LogCounters, LogFiles
from trimtab.infra.telemetry.log_files import RotatingLog
from trimtab.kernel.errors import StorageFull
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health, Status
from trimtab.knowledge import Knowledge, KnowledgeContext


@pytest.fixture
def small(small_disk, clock):
    """Open knowledge on a disk of 30 MB."""
    yield from _opened(small_disk, clock)


def folder_of(knowledge):
    return knowledge.database.file.parent


def free(knowledge):
    return shutil.disk_usage(folder_of(knowledge)).free


def _opened(mount, clock):
    data = DataDirectory(mount / "data")
    around = KnowledgeContext(clock, Events(), Health(clock))
    knowledge = Knowledge(data, KnowledgeSettings(), around, WordModelHome(mount / "model"))
    knowledge.encoder.install_and_load()
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    yield knowledge
    (data.path / "ballast").unlink(missing_ok=True)
    knowledge.close()
    data.close()


@pytest.mark.feature("F625")
def test_failed_writes_and_backups_are_refused_counted_and_recognised(small):
    tally = LogCounters()
    logging.getLogger("trimtab").addHandler(tally)
    fill(folder_of(small))
    with pytest.raises(StorageFull) as refused:
        small.ingest_text("sea", "eels.md", "Eels glow. " * 20_000)
    logging.getLogger("trimtab").error("ingestion failed", exc_info=refused.value)
    with pytest.raises((StorageFull, OSError, sqlite3.Error), match=r"full|No space"):
        small.maintenance.backup()
    logging.getLogger("trimtab").removeHandler(tally)
    assert small.searcher.metrics.users.share("failed") > 0
    assert tally.symptoms()["disk_full"] == 1
    assert small.search("sea", "whales").passages[0].document_name == "whales.md"


@pytest.fixture
def aged(small, clock):
    """Make a file in the data directory that is so many days old."""

    def make(name, days, content):
        file = folder_of(small) / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        stamp = clock.now().timestamp() - days * 86_400
        os.utime(file, (stamp, stamp))
        return file

    return make


LINES = b"".join(b'{"level":"INFO","message":"request %d"}\n' % n for n in range(100_000))


@pytest.mark.feature("F632")
def test_a_full_disk_is_cleaned_and_the_freed_bytes_are_those_of_the_file_system(small, aged):
    aged("temp/old", 2, os.urandom(5_000_000))
    aged("logs/ancient.log", 40, LINES)
    fill(folder_of(small))
    assert free(small) < 4096
    before = free(small)
    done = small.maintenance.clean_up()
    assert done.measured_bytes == free(small) - before == sum(done.freed_bytes.values()) > 8_000_000
    assert small.maintenance.freed_bytes == done.measured_bytes


def test_a_log_that_fits_compressed_is_compressed_and_its_content_stays(small, aged):
    log = aged("logs/old.log", 8, LINES)
    done = small.maintenance.clean_up()
    packed = log.with_name("old.log.gz")
    assert gzip.decompress(packed.read_bytes()) == LINES
    assert (log.exists(), done.uncompressed) == (False, ())
    assert done.measured_bytes > 3_000_000


def test_on_a_full_disk_a_log_that_cannot_be_compressed_is_dropped_and_leaves_no_partial_file(
    small, aged
):
    log = aged("logs/old.log", 8, os.urandom(3_000_000))
    fill(folder_of(small))
    done = small.maintenance.clean_up()
    assert list(log.parent.iterdir()) == []
    assert done.measured_bytes >= 3_000_000


def test_compressing_never_uses_more_than_the_measured_free_space(small, aged):
    log = aged("logs/noise.log", 8, os.urandom(3_000_000))
    (folder_of(small) / "ballast").write_bytes(os.urandom(free(small) - 2_500_000))
    with pytest.raises(NoRoom):
        compress(log)
    assert [file.name for file in log.parent.iterdir()] == ["noise.log"]
    assert free(small) >= 2_400_000


def test_a_log_is_kept_uncompressed_while_the_disk_is_within_its_floors(small, aged, monkeypatch):
    log = aged("logs/noise.log", 8, os.urandom(3_000_000))
    monkeypatch.setattr(type(small.maintenance.disk), "enough", lambda _: True)
    (folder_of(small) / "ballast").write_bytes(os.urandom(free(small) - 2_500_000))
    done = small.maintenance.clean_up()
    assert (log.exists(), done.uncompressed) == (True, ("noise.log",))


def test_a_clean_up_never_makes_a_full_disk_fuller_even_with_nothing_to_free(small):
    small.ingest_text("sea", "eels.md", "Eels glow.")
    small.documents.delete("sea", "eels.md")
    fill(folder_of(small))
    before = free(small)
    done = small.maintenance.clean_up()
    assert free(small) >= before
    assert not done.enough


def test_the_health_of_a_full_disk_names_the_cause_and_the_next_step(small):
    assert small.maintenance.disk.health().status is Status.UP
    fill(folder_of(small))
    found = small.maintenance.disk.health()
    assert found.status is Status.DOWN
    assert "is full" in found.detail
    assert "knowledge.disk.clean_up" in found.detail


def test_a_start_on_a_full_disk_says_what_is_full_and_what_to_do(small_disk):
    folder = small_disk / "data"
    folder.mkdir()
    fill(folder)
    with pytest.raises(StorageFull, match=r"kB left; 16 MB are needed") as refused:
        DataDirectory(folder)
    assert "trimtab knowledge clean-up" in refused.value.hint()
    DataDirectory(folder, floor_bytes=0).close()


def test_the_reserve_is_given_up_on_a_full_disk_and_taken_again_when_there_is_space(small_disk):
    reserve = DiskReserve(small_disk)
    reserve.look()
    assert reserve.held
    ballast = fill(small_disk)
    reserve.look()
    assert not reserve.held
    assert shutil.disk_usage(small_disk).free >= 500_000
    ballast.unlink()
    reserve.look()
    assert reserve.held


def test_log_lines_that_find_the_disk_full_are_dropped_without_a_word(small_disk, capsys):
    log = RotatingLog(LogFiles(small_disk / "logs", megabytes=1, most=2))
    log.handle(logging.makeLogRecord({"msg": "before"}))
    fill(small_disk)
    for _ in range(200):
        log.handle(logging.makeLogRecord({"msg": "x" * 10_000}))
    log.close()
    assert capsys.readouterr().err == ""
    assert "before" in (small_disk / "logs" / "trimtab.log").read_text()


def test_a_reserve_that_does_not_fit_takes_nothing(small_disk):
    fill(small_disk)
    before = shutil.disk_usage(small_disk).free
    assert not DiskReserve(small_disk).hold()
    assert shutil.disk_usage(small_disk).free == before
