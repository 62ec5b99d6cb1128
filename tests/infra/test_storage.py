import os
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa

from tests.databases import open_at
from trimtab.infra.storage import (
    DataDirectory,
    DataDirectoryInUse,
    DataDirectoryUnusable,
    SchemaTooNew,
)
from trimtab.kernel.errors import Corrupt, StorageFull


@pytest.fixture
def database(tmp_path):
    database = open_at(tmp_path / "state.db", ("state",))
    with database.write() as connection:
        connection.exec_driver_sql("create table t (x integer)")
    yield database
    database.close()


def _count(database):
    with database.read() as connection:
        return connection.execute(sa.text("select count(*) from t")).scalar()


def test_a_refused_transaction_leaves_no_trace(database):
    def fill_and_fail():
        with database.write() as connection:
            connection.exec_driver_sql("insert into t values (1)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fill_and_fail()
    assert _count(database) == 0


def test_readers_see_one_state_while_a_writer_works(database):
    with database.read() as reader:
        before = reader.execute(sa.text("select count(*) from t")).scalar()
        with database.write() as writer:
            writer.exec_driver_sql("insert into t values (1)")
        assert reader.execute(sa.text("select count(*) from t")).scalar() == before
    assert _count(database) == before + 1


def test_writers_take_turns(database):
    def add():
        for _ in range(20):
            with database.write() as connection:
                value = connection.execute(sa.text("select coalesce(max(x), 0) from t")).scalar()
                connection.execute(sa.text("insert into t values (:x)"), {"x": value + 1})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert connection.execute(sa.text("select max(x) from t")).scalar() == 80


def test_what_was_committed_survives_a_kill(tmp_path):
    program = (
        "import os, sys; from pathlib import Path; from trimtab.infra.storage import SqliteDatabase\n"
        "d = SqliteDatabase(Path(sys.argv[1]), ('state',))\n"
        "with d.write() as c: c.exec_driver_sql('create table t (x)'); c.exec_driver_sql('insert into t values (1)')\n"
        "with d.write() as c:\n    c.exec_driver_sql('insert into t values (2)')\n    os.kill(os.getpid(), 9)\n"
    )
    file = tmp_path / "state.db"
    done = subprocess.run([sys.executable, "-c", program, str(file)], check=False)
    assert done.returncode == -9
    database = open_at(file, ("state",))
    assert _count(database) == 1
    database.close()


def test_a_newer_schema_is_refused(tmp_path, database):
    with database.write() as connection:
        connection.exec_driver_sql("update schema_state set version_num = 'state_9999'")
    with pytest.raises(SchemaTooNew, match="state_9999"):
        open_at(tmp_path / "state.db", ("state",))


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "state.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(Corrupt):
        open_at(tmp_path / "state.db", ("state",))


def test_a_damaged_definition_of_a_table_is_refused_although_it_is_no_text(tmp_path, database):
    database.close()
    file = tmp_path / "state.db"
    data = file.read_bytes()
    assert data.count(b"TABLE t (x") == 1
    file.write_bytes(data.replace(b"TABLE t (x", b"TABLE t \xbe\xbe"))
    with pytest.raises(Corrupt, match=r"state\.db"):
        open_at(file, ("state",))


def test_one_process_holds_a_data_directory(tmp_path):
    with DataDirectory(tmp_path / "d"), pytest.raises(DataDirectoryInUse):
        DataDirectory(tmp_path / "d")
    DataDirectory(tmp_path / "d").close()


def test_a_data_directory_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirectoryUnusable) as caught:
        DataDirectory(tmp_path / "file" / "data")
    assert "--data-dir" in caught.value.hint()


@pytest.fixture
def small_disk(tmp_path):
    mount = tmp_path / "disk"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(mount)], check=False
    )
    if done.returncode != 0:
        pytest.skip("this user may not mount a small disk")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def test_a_disk_below_the_floor_is_refused_at_start(small_disk):
    (small_disk / "ballast").write_bytes(os.urandom(8 * 1024 * 1024))
    with pytest.raises(StorageFull):
        DataDirectory(small_disk / "data")


def test_a_full_disk_refuses_the_write_and_keeps_the_rest(small_disk):
    database = open_at(small_disk / "state.db", ("state",))
    with database.write() as connection:
        connection.exec_driver_sql("create table t (x blob)")

    def fill():
        for _ in range(100):
            with database.write() as connection:
                connection.execute(sa.text("insert into t values (randomblob(1000000))"))

    with pytest.raises(StorageFull):
        fill()
    kept = _count(database)
    database.close()
    again = open_at(small_disk / "state.db", ("state",))
    assert _count(again) == kept > 0
    again.close()


@pytest.fixture
def open_directory(tmp_path):
    """Return a data directory that every user of the machine may read, with a file, a folder and a link out of it."""
    folder, elsewhere = tmp_path / "open", tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "inner").mkdir()
    for file in (folder / "knowledge.db", folder / "inner" / "log", elsewhere):
        file.write_text("x")
        file.chmod(0o644)
    (folder / "link").symlink_to(elsewhere)
    for made in (folder, folder / "inner"):
        made.chmod(0o755)
    return folder


def test_an_open_data_directory_is_closed_with_all_in_it_and_says_so(open_directory, caplog):
    with DataDirectory(open_directory):
        modes = {
            path.name: path.stat().st_mode & 0o077
            for path in (open_directory, *open_directory.rglob("*"))
            if not path.is_symlink()
        }
    assert set(modes.values()) == {0}
    assert (open_directory / "link").stat().st_mode & 0o777 == 0o644
    assert "open to other users" in caplog.text


def test_a_closed_data_directory_is_left_as_it_is(tmp_path, caplog):
    (tmp_path / "data").mkdir(mode=0o700)
    with DataDirectory(tmp_path / "data"):
        pass
    assert caplog.text == ""


def test_somebody_elses_data_directory_is_refused(tmp_path, monkeypatch):
    (tmp_path / "theirs").mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(DataDirectoryUnusable, match="another user"):
        DataDirectory(tmp_path / "theirs")
