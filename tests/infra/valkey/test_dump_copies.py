"""Dumps of Valkey are copied to a real S3 API, and restored from there."""

import os

import pytest

from tests.infra.valkey.test_dumps import KEYS, World, filled, keys, lose  # noqa: F401 - fixture.
from trimtab.infra.objects import ObjectsUnavailable, open_objects
from trimtab.infra.settings.sections.postgresql import PostgresqlSettings
from trimtab.infra.valkey.dump_copies import DumpCopies
from trimtab.infra.valkey.dumps import ValkeyDumpUnknown

DAY = 86_400


@pytest.fixture
def settings(s3_endpoint, dumps_address):
    return PostgresqlSettings(
        backup_copies=dumps_address, backup_copies_endpoint=s3_endpoint, backup_keep=3
    )


@pytest.fixture
def bucket(settings):
    return open_objects(settings.backup_copies, settings.backup_copies_endpoint)


@pytest.fixture
def world_of(server, settings, tmp_path):
    built = []

    def make(name="backups", copies=settings):
        world = World(server, tmp_path / name, DumpCopies.of(copies))
        built.append(world)
        return world

    yield make
    for world in built:
        world.valkey.close()


def date(world, days):
    """Let the dump be of so many days after 2026-03-01."""
    moment = 1_772_323_200 + days * DAY
    os.utime(world.backups.dumps.file, (moment, moment))


def ages(world):
    return {each.labels["place"]: each.value for each in world.backups.ages()}


@pytest.mark.feature("F317")
@pytest.mark.usefixtures("filled")
def test_the_daily_dump_is_copied_and_read_back_on_another_machine(world_of, server, bucket):
    world = world_of()
    assert world.backups.take_if_due()
    (dated,) = bucket.names() - {"redis_backup.rdb"}
    assert ages(world).keys() == {"folder", "copies"}
    assert 0 <= ages(world)["copies"] < 60
    lose(server)
    other = world_of("another machine")
    assert other.dry_run("restore").facts == {"written": 5, "deleted": 0}
    other.run("restore", file=dated)
    with server.client as client:
        assert keys(client) == KEYS


@pytest.mark.usefixtures("filled")
def test_the_dump_of_an_emptied_server_leaves_the_copy_of_the_day_before(world_of, server):
    world = world_of()
    world.backups.dumps.take()
    date(world, 13)
    world.backups.dumps.copy()
    lose(server)
    assert world.backups.take_if_due()
    assert world.dry_run("restore").facts == {"written": 0, "deleted": 0}
    assert world.run("restore", file="redis_backup_2026_03_14.rdb").facts["written"] == 5


@pytest.mark.usefixtures("filled")
def test_so_many_dated_copies_are_kept_as_of_postgresql(world_of, bucket):
    world = world_of()
    world.backups.dumps.take()
    for day in range(5):
        date(world, day)
        world.backups.dumps.copy()
    kept = {f"redis_backup_2026_03_0{day}.rdb" for day in (3, 4, 5)}
    assert bucket.names() == {"redis_backup.rdb", *kept}


@pytest.mark.usefixtures("filled")
def test_a_copy_that_failed_is_made_by_the_next_round(world_of, bucket):
    world = world_of()
    copies = world.backups.dumps.copies
    nowhere = open_objects("s3://nowhere", bucket.client.meta.endpoint_url)
    world.backups.dumps.copies = DumpCopies(nowhere, 3)
    with pytest.raises(ObjectsUnavailable):
        world.backups.take_if_due()
    assert ages(world).keys() == {"folder"}
    world.backups.dumps.copies = copies
    assert not world.backups.take_if_due(), "the dump itself is there"
    assert "redis_backup.rdb" in bucket.names()


@pytest.mark.usefixtures("filled")
def test_the_action_copies_and_names_the_copies_that_exist(world_of):
    world = world_of()
    assert world.run("backup").facts["copied"]
    date(world, 13)
    world.backups.dumps.copy()
    for name in ("redis_backup_2020_01_01.rdb", "../redis_backup.rdb"):
        with pytest.raises(ValkeyDumpUnknown) as unknown:
            world.dry_run("restore", file=name)
        assert "redis_backup_2026_03_14.rdb" in unknown.value.hint()
    alone = world_of("alone", PostgresqlSettings())
    assert not alone.run("backup").facts["copied"]
