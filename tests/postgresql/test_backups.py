"""Dated dumps of a real database, restored beside it, compared and put in its place."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.postgresql.world import World
from trimtab.kernel.operable import Effect, Risk
from trimtab.postgresql.errors import PostgresConflict, PostgresNotConfigured, PostgresUnknown

LIVE, BESIDE = "hybrid_ai", "hybrid_ai_recovery"


@pytest.fixture
def live(_cluster, tmp_path):
    """The database of the operations document, with three analyses."""
    with _cluster.connect() as connection:
        for name in (LIVE, BESIDE, f"{LIVE}_replaced"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {LIVE}")
    with _cluster.connect(LIVE) as connection:
        connection.execute("CREATE SCHEMA models")
        connection.execute("CREATE TABLE models.analysis_results (id integer PRIMARY KEY)")
        connection.execute("INSERT INTO models.analysis_results SELECT generate_series(1, 3)")
    world = World(
        _cluster,
        url=_cluster.address(LIVE),
        folder=tmp_path / "backups",
        programs=str(_cluster.binaries),
    )
    yield world
    world.close()
    with _cluster.connect() as connection:
        for name in (LIVE, BESIDE, f"{LIVE}_replaced"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def rows(cluster, database):
    with cluster.connect(database) as connection:
        return connection.execute("SELECT count(*) FROM models.analysis_results").fetchone()[0]


def add(cluster, number):
    with cluster.connect(LIVE) as connection:
        connection.execute("INSERT INTO models.analysis_results VALUES (%s)", (number,))


@pytest.mark.feature("F316")
def test_a_dump_has_the_name_of_its_day_and_is_the_latest(live):
    folder = live.backups.folder
    planned = live.dry_run("postgresql.backup")
    assert "backup_2026_03_14.sql" in planned.summary
    assert not folder.exists()
    live.run("postgresql.backup")
    live.clock.advance(86_400)
    add(live.cluster, 4)
    live.run("postgresql.backup")
    names = ["backup_2026_03_14.sql", "backup_2026_03_15.sql", "latest_backup.sql"]
    assert sorted(file.name for file in folder.iterdir()) == names
    assert (folder / "latest_backup.sql").read_bytes() == (folder / names[1]).read_bytes()
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


def test_a_second_dump_of_a_day_replaces_the_first_and_a_failed_one_does_not(live):
    live.run("postgresql.backup")
    add(live.cluster, 4)
    live.run("postgresql.backup")
    good = (live.backups.folder / "latest_backup.sql").read_bytes()
    broken = World(
        live.cluster,
        url=live.server.url.replace(LIVE, "none"),
        folder=live.backups.folder,
        programs=str(live.cluster.binaries),
    )
    with pytest.raises(Exception, match=r"pg_dump failed|refuses"):
        broken.backups.take(live.clock.now())
    files = sorted(file.name for file in live.backups.folder.iterdir())
    assert files == ["backup_2026_03_14.sql", "latest_backup.sql"]
    assert (live.backups.folder / "latest_backup.sql").read_bytes() == good


def test_only_the_newest_dumps_are_kept(live):
    live.backups.folder.mkdir()
    days = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days) for days in range(9)]
    for day in days:
        (live.backups.folder / f"backup_{day:%Y_%m_%d}.sql").touch()
    (live.backups.folder / "backup_of_mine.sql").touch()
    deleted = live.run("postgresql.backup").facts["deleted"]
    assert deleted == ["backup_2026_03_03.sql", "backup_2026_03_02.sql", "backup_2026_03_01.sql"]
    assert (live.backups.folder / "backup_of_mine.sql").exists()


@pytest.mark.feature("F293", "F295", "F296")
def test_a_dump_is_restored_beside_the_live_database_and_both_are_compared(live):
    live.run("postgresql.backup")
    add(live.cluster, 4)
    planned = live.dry_run("postgresql.restore_beside")
    assert BESIDE in planned.summary
    assert not live.backups.exists(BESIDE)
    done = live.run("postgresql.restore_beside", file="backup_2026_03_14.sql")
    assert rows(live.cluster, BESIDE) == 3
    assert rows(live.cluster, LIVE) == 4
    assert "different rows of analysis_results: 4 and 3" in done.summary
    assert done.facts["live"]["bytes"] > 1_000_000
    add_back = live.run("postgresql.compare", table="analysis_results")
    assert add_back.facts["restored"]["rows"] == {"models.analysis_results": 3}
    with pytest.raises(PostgresConflict, match="exists already") as refused:
        live.dry_run("postgresql.restore_beside")
    assert "postgresql.drop_recovery" in refused.value.hint()
    live.undo("postgresql.restore_beside", done)
    assert not live.backups.exists(BESIDE)


@pytest.mark.feature("F290")
def test_the_restored_database_takes_the_place_of_the_live_one_and_gives_it_back(live):
    action = live.catalog.action("postgresql.switch_to_recovery")
    assert (action.risk, action.effect_class) == (Risk.APPROVAL, Effect.REVERSIBLE)
    live.run("postgresql.backup")
    add(live.cluster, 4)
    with pytest.raises(PostgresUnknown, match="There is no database"):
        live.dry_run("postgresql.switch_to_recovery")
    live.run("postgresql.restore_beside")
    with live.cluster.connect(LIVE) as client:
        assert "would become hybrid_ai" in live.dry_run("postgresql.switch_to_recovery").summary
        assert client.execute("SELECT 1").fetchone() == (1,)
        done = live.run("postgresql.switch_to_recovery")
    assert rows(live.cluster, LIVE) == 3
    assert rows(live.cluster, f"{LIVE}_replaced") == 4
    live.undo("postgresql.switch_to_recovery", done)
    assert rows(live.cluster, LIVE) == 4
    assert rows(live.cluster, BESIDE) == 3


def test_the_recovery_database_is_dropped_after_approval_only(live):
    action = live.catalog.action("postgresql.drop_recovery")
    assert (action.risk, action.effect_class) == (Risk.APPROVAL, Effect.IRREVERSIBLE)
    assert not live.run("postgresql.drop_recovery").changes
    live.run("postgresql.backup")
    live.run("postgresql.restore_beside")
    assert live.dry_run("postgresql.drop_recovery").changes
    assert live.backups.exists(BESIDE)
    live.run("postgresql.drop_recovery")
    assert not live.backups.exists(BESIDE)


def test_a_damaged_dump_leaves_no_half_restored_database(live):
    live.run("postgresql.backup")
    file = live.backups.folder / "latest_backup.sql"
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(Exception, match="pg_restore failed"):
        live.run("postgresql.restore_beside")
    assert not live.backups.exists(BESIDE)


@pytest.mark.parametrize("name", ["backup_2020_01_01.sql", "../latest_backup.sql", "/etc/passwd"])
def test_another_file_is_not_restored(live, name):
    live.run("postgresql.backup")
    with pytest.raises(PostgresUnknown) as unknown:
        live.run("postgresql.restore_beside", file=name)
    assert unknown.value.hint() == "There are: backup_2026_03_14.sql."


def test_without_the_programs_the_next_step_is_named(live, tmp_path):
    world = World(live.cluster, url=live.server.url, folder=tmp_path, programs=str(tmp_path))
    with pytest.raises(PostgresNotConfigured) as refused:
        world.run("postgresql.backup")
    assert "postgresql-client" in refused.value.hint()
    world.close()


def test_a_password_is_not_on_the_command_line(live, tmp_path):
    live.server.url = live.server.url.replace("postgres@", "postgres:se%3Acret@")
    (address,) = live.backups._address("", tmp_path)
    assert "cret" not in address
    assert (tmp_path / "passwords").read_text() == "*:*:*:*:se\\:cret\n"
    assert (tmp_path / "passwords").stat().st_mode & 0o777 == 0o600
    assert f"passfile={tmp_path}/passwords" in address
