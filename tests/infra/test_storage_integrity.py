"""What a database file's guard notices, puts right and refuses."""

import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from trimtab.infra.storage import SqliteDatabase
from trimtab.infra.storage.sqlite.integrity.page_checksums import (
    PageChecksums,
    checksum_of,
    repaired_bytes,
)
from trimtab.infra.storage.sqlite.integrity.wal import WalReport, repair_wal, wal_pages
from trimtab.infra.storage.sqlite.raw_file import RawFile
from trimtab.kernel.errors import Corrupt

ROWS = 30


def opened(folder, **options):
    return SqliteDatabase(folder / "state.db", ("state",), page_sums=True, **options)


def fill(folder, rows=ROWS):
    """Return a database with a table `t` of that many rows, each its own commit."""
    database = opened(folder)
    with database.write() as connection:
        connection.exec_driver_sql("create table t (x integer, y blob)")
    chance = random.Random(4)
    for number in range(rows):
        with database.write() as connection:
            connection.exec_driver_sql(
                "insert into t values (?, ?)", (number, chance.randbytes(700))
            )
    return database


@pytest.fixture
def stopped(tmp_path):
    """A folder with a database that was closed."""
    fill(tmp_path).close()
    return tmp_path


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """A folder as a killed process leaves it."""
    folder = tmp_path_factory.mktemp("left")
    database = fill(folder)
    copy = folder / "copy"
    copy.mkdir()
    for file in folder.glob("state.db*"):
        shutil.copy(file, copy)
    database.close()
    return copy


@pytest.fixture
def killed(left, tmp_path):
    return shutil.copytree(left, tmp_path / "killed")


def flip(file, at, bits=0x11):
    data = bytearray(file.read_bytes())
    data[at] ^= bits
    file.write_bytes(data)


def rows(database):
    with database.read() as connection:
        return connection.exec_driver_sql("select count(*) from t").scalar()


def plainly(folder):
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        return connection.execute("select count(*) from t").fetchone()[0]


def test_sqlite_alone_drops_what_is_behind_a_changed_byte_of_the_log(killed):
    log = killed / "state.db-wal"
    frames = (log.stat().st_size - 32) // 4120
    flip(log, 32 + 24 + 4120 * (frames - 10) + 100)
    assert 0 < plainly(killed) < ROWS


@pytest.mark.parametrize("frame", [0, 7, 30])
@pytest.mark.parametrize("place", [0, 5, 9, 14, 18, 22, 24, 1000, 4118])
def test_a_changed_byte_in_the_log_loses_nothing(killed, frame, place):
    flip(killed / "state.db-wal", 32 + frame * 4120 + place)
    database = opened(killed)
    assert rows(database) == ROWS
    assert database.guard.lost_commits == 0
    database.close()


@pytest.mark.parametrize("place", range(32))
def test_a_changed_byte_in_the_log_s_head_is_put_right(killed, place):
    before = (killed / "state.db-wal").read_bytes()
    flip(killed / "state.db-wal", place)
    assert repair_wal(killed / "state.db") == WalReport(repaired=1)
    assert (killed / "state.db-wal").read_bytes() == before


def test_an_unharmed_log_is_left_alone(killed):
    before = (killed / "state.db-wal").stat().st_mtime_ns
    assert repair_wal(killed / "state.db") == WalReport()
    assert (killed / "state.db-wal").stat().st_mtime_ns == before


def test_a_log_that_was_cut_short_is_said(killed, caplog):
    file = killed / "state.db-wal"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    database = opened(killed)
    assert database.guard.lost_commits == ROWS - rows(database) > 0
    assert "acknowledged changes of state.db are missing" in caplog.text
    database.close()
    again = opened(killed)
    assert again.guard.lost_commits == 0  # It is said once.
    again.close()


def test_a_log_that_was_taken_away_is_said(killed):
    (killed / "state.db-wal").unlink()
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        plainly(killed)
    database = opened(killed)
    assert database.guard.lost_commits > ROWS
    database.close()


def test_wide_damage_in_the_middle_of_the_log_refuses_the_start(killed):
    file = killed / "state.db-wal"
    data = bytearray(file.read_bytes())
    data[50_000:52_000] = random.Random(1).randbytes(2000)
    file.write_bytes(data)
    with pytest.raises(Corrupt, match=r"state\.db-wal is damaged") as caught:
        opened(killed)
    assert "delete state.db-wal" in caught.value.hint()
    assert file.read_bytes() == data  # Nothing was changed.


def test_damaged_pages_of_a_log_can_be_kept_for_rows_with_checksums(killed):
    file = killed / "state.db-wal"
    data = bytearray(file.read_bytes())
    data[50_000:50_100] = random.Random(1).randbytes(100)
    file.write_bytes(data)
    report = repair_wal(killed / "state.db", keep_pages=True)
    assert report.unreadable > 1
    assert plainly(killed) == ROWS


def test_a_commit_that_was_cut_off_in_the_middle_is_no_damage(killed):
    file = killed / "state.db-wal"
    data = bytearray(file.read_bytes())
    data[-3000:] = bytes(3000)  # A power cut may leave the last frame half written.
    file.write_bytes(data)
    report = repair_wal(killed / "state.db")
    assert report.only_last
    assert report.unreadable == 1


@pytest.mark.parametrize("seed", range(12))
def test_a_changed_byte_in_a_closed_database_is_put_right(stopped, seed, caplog):
    file = stopped / "state.db"
    before = file.read_bytes()
    chance = random.Random(seed)
    flip(file, chance.randrange(len(before)), chance.randrange(1, 256))
    database = opened(stopped)
    assert rows(database) == ROWS
    database.close()
    assert "changed bytes in state.db were repaired" in caplog.text


def test_a_damaged_page_refuses_the_start_and_names_the_file(stopped):
    file = stopped / "state.db"
    data = bytearray(file.read_bytes())
    data[8192:8300] = bytes(108)
    file.write_bytes(data)
    with pytest.raises(Corrupt, match=r"Page 3 of .*state\.db") as caught:
        opened(stopped)
    assert "backup" in caught.value.hint()


@pytest.mark.parametrize("size", [0, 5000, 8192])
def test_a_database_that_was_cut_short_is_refused(stopped, size):
    file = stopped / "state.db"
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(Corrupt, match=r"state\.db"):
        opened(stopped)


def test_damaged_sums_are_made_anew(stopped):
    flip(stopped / "state.db-sums", 50)
    database = opened(stopped)
    assert rows(database) == ROWS
    database.close()
    assert PageChecksums.load(stopped / "state.db") is not None


def test_without_sums_the_structure_is_looked_through(stopped):
    (stopped / "state.db-sums").unlink()
    file = stopped / "state.db"
    data = bytearray(file.read_bytes())
    data[4096 * 4 : 4096 * 5] = bytes(4096)
    file.write_bytes(data)
    with pytest.raises(Corrupt, match=r"state\.db is damaged"):
        opened(stopped)


def test_a_kill_between_sums_and_pages_is_no_damage(tmp_path):
    database = fill(tmp_path)
    database.guard.checkpoint()
    with database.write() as connection:
        connection.exec_driver_sql("update t set x = x + 1000")
    known = PageChecksums.load(tmp_path / "state.db")
    logged = wal_pages(tmp_path / "state.db")
    found = PageChecksums.of(database.guard.raw, logged=logged, known=known)
    found.save(tmp_path / "state.db")
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in tmp_path.glob("state.db*"):
        shutil.copy(file, copy)
    database.close()
    again = opened(copy)
    assert rows(again) == ROWS
    again.close()


def test_a_checkpoint_of_another_program_is_no_damage(killed):
    plain = sqlite3.connect(killed / "state.db")
    plain.execute("insert into t values (99, x'00')")
    plain.commit()
    plain.close()  # The last to close brings the log into the file.
    database = opened(killed)
    assert rows(database) == ROWS + 1
    database.close()


def test_a_long_log_is_checkpointed_with_its_sums(tmp_path):
    database = fill(tmp_path, rows=1)
    for number in range(6):
        with database.write() as connection:
            connection.exec_driver_sql("insert into t values (?, zeroblob(1000000))", (number,))
    assert (tmp_path / "state.db").stat().st_size > 4_000_000
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in tmp_path.glob("state.db*"):
        shutil.copy(file, copy)
    database.close()
    again = opened(copy)
    assert rows(again) == 7
    again.close()


def test_reading_counts_no_commit(stopped):
    database = opened(stopped)
    before = (stopped / "state.db-commits").read_bytes()
    rows(database)
    with database.write() as connection:
        connection.exec_driver_sql("select 1")
    assert (stopped / "state.db-commits").read_bytes() == before
    with database.write() as connection:
        connection.exec_driver_sql("delete from t where x = 3")
    assert (stopped / "state.db-commits").read_bytes() != before
    database.close()


def orphan(database):
    """Break a constraint that is looked at when the transaction ends: the commit itself fails."""
    with database.write() as connection:
        connection.exec_driver_sql("insert into child values (1)")


def test_a_commit_that_failed_is_not_counted(stopped):
    database = opened(stopped)
    with database.write() as connection:
        connection.exec_driver_sql("create table parent (x integer primary key)")
        connection.exec_driver_sql(
            "create table child (x references parent (x) deferrable initially deferred)"
        )
    before = (stopped / "state.db-commits").read_bytes()
    with pytest.raises(sa.exc.IntegrityError):
        orphan(database)
    assert (stopped / "state.db-commits").read_bytes() == before
    database.close()


@pytest.mark.parametrize("content", [b"", b"garbage", b"0000000099 00000000\n"])
def test_a_damaged_count_of_commits_is_written_anew(stopped, content):
    (stopped / "state.db-commits").write_bytes(content)
    database = opened(stopped)
    assert database.guard.lost_commits == 0
    database.close()


@given(st.binary(min_size=1, max_size=300), st.data())
def test_one_changed_byte_is_found_by_its_sum(data, draw):
    at = draw.draw(st.integers(0, len(data) - 1))
    bits = draw.draw(st.integers(1, 255))
    changed = data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]
    assert repaired_bytes(changed, checksum_of(data)) == data


@given(st.binary(min_size=8, max_size=300), st.binary(min_size=8, max_size=300))
def test_other_data_is_never_taken_for_a_changed_byte(data, other):
    mended = repaired_bytes(other, checksum_of(data))
    assert mended is None or mended == data


# --- other programs ---------------------------------------------------------------------------

LOOK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("select count(*) from t").fetchone()[0])
connection.close()
"""


def look_from_outside(file):
    """Open the database as the `sqlite3` shell does, read it, and close it."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, file], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.parametrize("rows", [ROWS, 0])
def test_a_program_that_looks_at_the_database_does_not_make_later_commits_lost(tmp_path, rows):
    """When our process has lost its lock, that program removes the log, and we write into a removed file."""
    database = fill(tmp_path)
    database.guard.checkpoint()
    if not rows:
        database.guard._sums = None  # As at the first start of a release that has sums.
        database.guard.checkpoint()
    assert look_from_outside(tmp_path / "state.db") == ROWS
    with database.write() as connection:
        connection.exec_driver_sql("insert into t values (99, 'later')")
    assert look_from_outside(tmp_path / "state.db") == ROWS + 1
    database.close()
    again = opened(tmp_path)
    assert again.guard.lost_commits == 0
    with again.read() as connection:
        assert connection.exec_driver_sql("select count(*) from t").scalar() == ROWS + 1
    again.close()


def test_the_bytes_of_a_database_are_those_of_its_file_also_after_it_was_replaced(tmp_path):
    file = tmp_path / "x.db"
    file.write_bytes(bytes(range(100)))
    raw = RawFile(file)
    assert raw.at(10, 5) == bytes(range(10, 15))
    assert raw.at(98, 5) == bytes((98, 99))
    assert [len(block) for block in raw.blocks(40)] == [40, 40, 20]
    (tmp_path / "new.db").write_bytes(b"new")
    (tmp_path / "new.db").replace(file)
    assert raw.at(0, 1) == b"\0"
    raw.reopen()
    assert raw.at(0, 3) == b"new"
    raw.close()
