"""Dumps that are made by themselves, kept, copied to a real S3 API and restored from there."""

import os

import pytest

from tests.postgresql.world import World
from trimtab.infra.objects import ObjectsUnavailable, open_objects
from trimtab.postgresql.backup_schedule import BackupSchedule
from trimtab.postgresql.backups import PostgresBackups
from trimtab.postgresql.errors import PostgresUnknown

DAY = 86_400
LIVE = "scheduled"


@pytest.fixture
def database(_cluster):
    with _cluster.connect() as connection:
        for name in (LIVE, "hybrid_ai_recovery"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {LIVE}")
    with _cluster.connect(LIVE) as connection:
        connection.execute("CREATE TABLE analysis_results (id integer)")
        connection.execute("INSERT INTO analysis_results SELECT generate_series(1, 3)")
    yield _cluster
    with _cluster.connect() as connection:
        for name in (LIVE, "hybrid_ai_recovery"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def bucket(s3_endpoint, dumps_address):
    return open_objects(dumps_address, s3_endpoint)


class Scheduled:
    def __init__(self, cluster, folder, copies=None, **changed):
        given = {"programs": str(cluster.binaries), "backup_keep": 3, **changed}
        self.world = World(cluster, url=cluster.address(LIVE), folder=folder, **given)
        self.backups = PostgresBackups(self.world.server, folder, copies)
        self.schedule = BackupSchedule(self.backups, self.world.clock, own=True)

    def pass_a_day(self):
        """Let the clock and the files be a day later."""
        self.world.clock.advance(DAY)
        for dump in self.backups.dumps():
            file = self.backups.folder / dump.name
            before = file.stat().st_mtime - DAY
            os.utime(file, (before, before))

    def ages(self):
        return {each.labels["place"]: each.value for each in self.schedule.ages()}


@pytest.fixture
def scheduled(database, tmp_path):
    made = Scheduled(database, tmp_path / "backups")
    yield made
    made.world.close()


@pytest.fixture
def copied(database, tmp_path, bucket):
    made = Scheduled(database, tmp_path / "backups", bucket)
    yield made
    made.world.close()


@pytest.mark.feature("F316", "F317")
def test_each_day_has_its_dump_and_only_the_newest_are_kept(scheduled):
    assert scheduled.schedule.run()
    assert not scheduled.schedule.run(), "the dump of today is there"
    for _ in range(3):
        scheduled.pass_a_day()
        assert scheduled.schedule.run()
    names = sorted(each.name for each in scheduled.backups.folder.iterdir())
    days = [f"backup_2026_03_{day}.sql" for day in (15, 16, 17)]
    assert names == [*days, "latest_backup.sql"]


def test_the_age_counts_from_the_start_until_there_is_a_dump(scheduled):
    scheduled.world.clock.advance(3 * DAY)
    assert scheduled.ages() == {"folder": 3 * DAY}
    scheduled.schedule.run()
    assert scheduled.ages()["folder"] < 60
    scheduled.pass_a_day()
    assert DAY <= scheduled.ages()["folder"] < DAY + 60


def test_a_dump_that_fails_leaves_the_age_as_it_was(scheduled, tmp_path):
    scheduled.schedule.run()
    scheduled.pass_a_day()
    scheduled.backups.server.url = scheduled.backups.server.url.replace(LIVE, "nowhere")
    assert not scheduled.schedule.task.run_once()
    assert scheduled.ages()["folder"] >= DAY
    assert scheduled.schedule.task.state.failures == 1


def test_only_the_leader_measures_and_counts_from_when_it_began_to_lead(copied):
    made, leads = copied.world, [False]
    schedule = BackupSchedule(copied.backups, made.clock, own=True, leads=lambda: leads[0])
    made.clock.advance(30 * DAY)
    assert list(schedule.ages()) == [], "it knows no copies, and its folder may be another one"
    leads[0] = True
    made.clock.advance(60)
    assert {each.labels["place"]: each.value for each in schedule.ages()} == {
        "folder": 60,
        "copies": 60,
    }


@pytest.mark.parametrize(("own", "hours"), [(False, 24.0), (True, 0.0)])
def test_another_server_or_no_interval_means_no_schedule_and_no_alert(
    database, tmp_path, own, hours
):
    made = Scheduled(database, tmp_path, backup_hours=hours)
    schedule = BackupSchedule(made.backups, made.world.clock, own=own)
    assert not schedule.enabled
    assert list(schedule.ages()) == []
    made.world.close()


@pytest.mark.feature("F290")
def test_a_lost_machine_is_restored_from_the_copy_in_the_bucket(copied, bucket, tmp_path):
    copied.schedule.run()
    assert bucket.names() == {"backup_2026_03_14.sql", "latest_backup.sql"}
    assert copied.ages().keys() == {"folder", "copies"}
    other = Scheduled(copied.world.cluster, tmp_path / "another machine", bucket)
    other.backups.restore_beside("latest_backup.sql")
    with copied.world.cluster.connect("hybrid_ai_recovery") as connection:
        assert connection.execute("SELECT count(*) FROM analysis_results").fetchone() == (3,)
    with pytest.raises(PostgresUnknown) as unknown:
        other.backups.find("backup_2020_01_01.sql")
    assert unknown.value.hint() == "There are: backup_2026_03_14.sql."
    other.world.close()


def test_copies_are_kept_in_the_same_number_and_made_later_when_the_bucket_was_down(copied, bucket):
    copied.schedule.run()
    down = copied.backups.copies
    copied.backups.copies = open_objects("s3://nowhere", down.client.meta.endpoint_url)
    copied.pass_a_day()
    with pytest.raises(ObjectsUnavailable):
        copied.schedule.run()
    assert copied.ages()["folder"] < 60
    assert copied.ages()["copies"] >= DAY
    copied.backups.copies = down
    assert not copied.schedule.run()
    assert "backup_2026_03_15.sql" in bucket.names()
    assert copied.ages()["copies"] < 60
    for _ in range(3):
        copied.pass_a_day()
        copied.schedule.run()
    assert len(bucket.names()) == 4
    assert "backup_2026_03_14.sql" not in bucket.names()
