"""The regular work of the operations documents, at their times, as durable jobs."""

import pytest

from tests.knowledge.both_engines import knowledge_server  # noqa: F401 - fixture.
from trimtab.knowledge.schedules import register
from trimtab.testing.clock import FakeClock
from trimtab.testing.jobs import FakeJobs

DAY = 86_400


class Calendar(FakeJobs):
    """Jobs that also remember what was scheduled."""

    def __init__(self):
        super().__init__(FakeClock())
        self.schedules = {}

    def schedule(self, name, cron, kind, argument):
        self.schedules[name] = (cron, kind)

    def run_now(self, name):
        """Run what the schedule would run."""
        self.start(self.schedules[name][1], name, {})
        return self.wait(name)


@pytest.fixture
def calendar(knowledge):
    jobs = Calendar()
    register(jobs, knowledge)
    return jobs


@pytest.mark.feature("F562", "F638")
def test_the_disk_is_cleaned_up_every_night_at_two(calendar):
    assert calendar.schedules["disk-cleanup"][0] == "0 2 * * *"
    assert calendar.run_now("disk-cleanup").startswith("Disk cleanup complete at")


def test_a_snapshot_of_the_indexes_is_taken_every_night(calendar, knowledge):
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    knowledge.search("sea", "whales")
    assert calendar.schedules["index-snapshot"][0] == "30 2 * * *"
    assert calendar.run_now("index-snapshot") == "daily_20260101.tar"
    assert [found.path.name for found in knowledge.snapshots.list()] == ["daily_20260101.tar"]


@pytest.mark.feature("F532", "F687")
def test_the_cache_is_warmed_every_six_hours(calendar, knowledge):
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    knowledge.search("sea", "whales")
    knowledge.caches.empty()
    assert calendar.schedules["cache-warmer"][0] == "0 */6 * * *"
    assert calendar.run_now("cache-warmer") == 1
    assert knowledge.search("sea", "whales").cache_hit


@pytest.mark.feature("F729")
def test_a_backup_is_taken_every_hour(calendar, knowledge):
    assert calendar.schedules["db-backup"][0] == "0 * * * *"
    taken = calendar.run_now("db-backup")
    assert [backup.path.name for backup in knowledge.maintenance.backups.list()] == [taken]


@pytest.mark.feature("F731")
def test_the_database_is_checked_every_thirty_minutes(calendar, knowledge):
    assert calendar.schedules["db-integrity-check"][0] == "*/30 * * * *"
    assert calendar.run_now("db-integrity-check") == "none"
