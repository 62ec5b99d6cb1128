"""Regular upkeep of real SQLite files: what is due, what it does, and what it says."""

import sqlite3
from datetime import timedelta

import pytest

from tests.knowledge.conftest import HandClock
from trimtab.infra.environment import STATE_CHAINS
from trimtab.infra.storage import SqliteDatabase
from trimtab.infra.storage.sqlite.upkeep import FileUpkeep, upkeep_action
from trimtab.infra.storage.upkeep_results import UpkeepResults
from trimtab.kernel.errors import Corrupt
from trimtab.kernel.operable import ActionContext
from trimtab.knowledge.store.database import ReopenableDatabase
from trimtab.knowledge.store.integrity import integrity_of

DAY = 86_400


class World:
    def __init__(self, folder, *, page_sums=True):
        self.clock = HandClock()
        self.folder = folder
        self.file = SqliteDatabase(folder / "state.db", STATE_CHAINS, page_sums=page_sums)
        self.results = UpkeepResults(self.file)
        self.upkeep = FileUpkeep((self.file,), self.results, self.clock)

    def fill(self, rows=3000):
        with self.file.write() as connection:
            connection.exec_driver_sql(
                "CREATE TABLE notes (id INTEGER PRIMARY KEY, a TEXT, b TEXT)"
            )
            connection.exec_driver_sql("CREATE INDEX by_a ON notes (a)")
            connection.exec_driver_sql(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                " INSERT INTO notes SELECT i, 'a' || i, hex(randomblob(500)) FROM n",
                (rows,),
            )

    def last(self):
        return self.results.of("state.db")

    def query(self, sql):
        with self.file.read() as connection:
            return connection.exec_driver_sql(sql).fetchall()


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.fill()
    yield made
    made.file.close()


@pytest.mark.feature("F234")
def test_free_pages_are_removed_and_statistics_made_and_nothing_is_lost(world):
    with world.file.write() as connection:
        connection.exec_driver_sql("DELETE FROM notes WHERE id > 500")
    world.file.scrub()
    before = world.file.file.stat().st_size
    assert world.upkeep.run_due() == ["state.db"]
    world.file.scrub()
    assert world.last().facts["freed_bytes"] > 1_000_000
    assert world.file.file.stat().st_size < before / 2
    assert world.query("SELECT stat FROM sqlite_stat1 WHERE idx = 'by_a'") == [("500 1",)]
    world.file.close()
    again = SqliteDatabase(world.folder / "state.db", STATE_CHAINS, page_sums=True)
    assert again.lost_commits == 0
    with again.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM notes").fetchone() == (500,)
        assert connection.exec_driver_sql("PRAGMA integrity_check").fetchone() == ("ok",)
    again.close()


@pytest.mark.feature("F191")
def test_an_index_that_does_not_agree_with_its_table_is_rebuilt(tmp_path):
    world = World(tmp_path, page_sums=False)  # With sums the start would repair this very byte.
    world.fill(50)
    world.file.close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = 'CREATE INDEX by_a ON notes (b)' WHERE name = 'by_a'"
        )
    connection.close()
    reopened = World(tmp_path, page_sums=False)
    assert reopened.query("PRAGMA integrity_check(1)") != [("ok",)]
    reopened.upkeep.run_due()
    assert reopened.last().facts["indexes"] == ["by_a"]
    assert "1 wrong indexes rebuilt" in reopened.last().summary
    assert reopened.query("PRAGMA integrity_check") == [("ok",)]
    reopened.file.close()


@pytest.mark.feature("F191", "F233")
def test_slow_functions_are_listed(world):
    world.file.transactions.note(World.fill.__code__, 900.0)
    world.upkeep.run_due()
    assert world.last().facts["slowest"][0] == {"caller": "World.fill", "mean_seconds": 900.0}


@pytest.mark.feature("F191", "F234")
def test_it_runs_once_a_day_and_a_restart_neither_repeats_nor_forgets_it(world):
    shown = upkeep_action(world.results)
    assert "no upkeep yet" in shown.run({}, ActionContext("a", "t")).summary
    assert list(world.upkeep.ages()) == []
    assert world.upkeep.run_due() == ["state.db"]
    world.clock.sleep(DAY - 60)
    again = FileUpkeep((world.file,), UpkeepResults(world.file), world.clock)
    assert again.run_due() == []
    (age,) = again.ages()
    assert (age.value, age.labels) == (DAY - 60, {"database": "state.db"})
    assert "were analyzed" in shown.run({}, ActionContext("a", "t")).summary
    world.clock.sleep(60)
    assert again.run_due() == ["state.db"]
    assert world.last().at == world.clock.now()


def test_a_failed_run_is_shown_and_tried_again_the_next_day(world, monkeypatch):
    from trimtab.infra.storage.sqlite import upkeep

    def fail(_):
        raise Corrupt("state.db is damaged: a page.")

    monkeypatch.setattr(upkeep, "vacuum", fail)
    assert not world.upkeep.task.run_once()
    assert "failed: state.db is damaged" in world.last().summary
    monkeypatch.undo()
    world.clock.sleep(timedelta(days=1).total_seconds())
    assert world.upkeep.task.run_once()
    assert "failed" not in world.last().summary


def test_a_file_with_few_free_pages_is_not_rewritten(world):
    world.upkeep.run_due()
    assert world.last().facts["freed_bytes"] == 0


def test_the_knowledge_database_is_whole_after_its_upkeep(world, tmp_path):
    knowledge = ReopenableDatabase(tmp_path / "knowledge.db", ("knowledge",))
    upkeep = FileUpkeep((world.file, knowledge), world.results, world.clock)
    with knowledge.write() as connection:
        connection.exec_driver_sql("CREATE TABLE filler (body TEXT)")
        connection.exec_driver_sql("INSERT INTO filler VALUES (hex(zeroblob(2000000)))")
        connection.exec_driver_sql("DROP TABLE filler")
    assert upkeep.run_due() == ["state.db", "knowledge.db"]
    assert world.results.of("knowledge.db").facts["freed_bytes"] > 2_000_000
    assert integrity_of(knowledge.file).ok
    assert not knowledge.suspect
    knowledge.close()
