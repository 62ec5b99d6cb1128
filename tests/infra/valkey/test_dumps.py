"""Keys of a real Valkey or Redis server, dumped to a file and restored from it."""

import os
import subprocess

import pytest

from tests.knowledge.conftest import HandClock
from trimtab.infra.dependencies import PROBE_SECONDS, Dependencies
from trimtab.infra.settings.sections.service import ServiceSettings
from trimtab.infra.valkey import open_valkey
from trimtab.infra.valkey.dump_actions import ValkeyBackups, ValkeyNotConfigured
from trimtab.infra.valkey.dumps import (
    ValkeyDumpDamaged,
    ValkeyDumpUnknown,
    ValkeyProgramMissing,
)
from trimtab.infra.valkey.server import ValkeyUnavailable
from trimtab.kernel.operable import ActionContext, Risk, check_arguments

KEYS = {b"review_queue:high_priority", b"feedback_queue", b"guardrail:1", b"scores", b"expires"}


class World:
    def __init__(self, server, folder, copies=None, **changed):
        self.clock = HandClock()
        self.valkey = open_valkey(server.url, Dependencies(self.clock))
        given = {"valkey_backup_folder": str(folder), **changed}
        self.backups = ValkeyBackups(self.valkey, ServiceSettings(**given), folder, copies)
        self.actions = {each.name.rpartition(".")[2]: each for each in self.backups.actions()}

    def run(self, name, key="act", **given):
        action = self.actions[name]
        return action.run(check_arguments(action.params, given), ActionContext(key, "test"))

    def dry_run(self, name, **given):
        action = self.actions[name]
        return action.dry_run(check_arguments(action.params, given), ActionContext("dry", "test"))

    def undo(self, name, done):
        return self.actions[name].undo(done.undo_arguments, ActionContext("act", "test"))


@pytest.fixture
def world(server, tmp_path):
    made = World(server, tmp_path / "backups")
    yield made
    made.valkey.close()


@pytest.fixture
def filled(server):
    with server.client as client:
        client.rpush("review_queue:high_priority", "one", "two", "three")
        client.rpush("feedback_queue", b"\x00\xff", "last")
        client.hset("guardrail:1", mapping={"a": "1"})
        client.zadd("scores", {"x": 0.1})
        client.set("expires", "soon", ex=5000)
        client.set("trimtab:drafts:draft_1", "an answer with a name")
        yield client


def lose(server):
    server.kill()
    server.start()


def keys(client):
    return {key for key in client.keys("*") if not key.startswith(b"trimtab:")}


@pytest.mark.feature("F291")
def test_lost_queues_are_restored_as_they_were(world, filled, server):
    assert world.run("backup").facts["keys"] == 5
    lose(server)
    with server.client as client:
        assert client.dbsize() == 0
        assert world.dry_run("restore").facts == {"written": 5, "deleted": 0}
        assert client.dbsize() == 0
        world.run("restore")
        assert keys(client) == KEYS
        assert client.lrange("review_queue:high_priority", 0, -1) == [b"one", b"two", b"three"]
        assert client.lrange("feedback_queue", 0, -1) == [b"\x00\xff", b"last"]
        assert client.hgetall("guardrail:1") == {b"a": b"1"}
        assert client.zrange("scores", 0, -1, withscores=True) == [(b"x", 0.1)]
        assert 4000 < client.ttl("expires") <= 5000
        assert client.ttl("scores") == -1


@pytest.mark.feature("F291")
def test_a_restore_asks_a_person_and_its_undo_gives_the_later_state_back(world, filled):
    assert world.actions["restore"].risk is Risk.APPROVAL
    world.run("backup")
    filled.lpop("review_queue:high_priority")
    filled.set("later", "x")
    done = world.run("restore")
    assert done.facts == {"written": 5, "deleted": 1}
    assert filled.llen("review_queue:high_priority") == 3
    assert not filled.exists("later")
    world.run("restore")  # The same act again, as after a crash.
    world.undo("restore", done)
    assert filled.llen("review_queue:high_priority") == 2
    assert filled.get("later") == b"x"


def test_an_answer_of_trimtab_is_in_no_dump_and_survives_a_restore(world, filled):
    world.run("backup")
    assert b"with a name" not in world.backups.dumps.file.read_bytes()
    world.run("restore")
    assert filled.get("trimtab:drafts:draft_1")


@pytest.mark.feature("F317")
def test_the_file_is_one_that_the_server_itself_can_read(world, filled):
    world.run("backup")
    file = world.backups.dumps.file
    assert file.name == "redis_backup.rdb"
    assert file.stat().st_mode & 0o777 == 0o600
    checker = world.backups.dumps.program().replace("-server", "-check-rdb")
    checked = subprocess.run([checker, str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    assert "5 keys read" in checked.stdout


@pytest.mark.feature("F317")
def test_it_is_made_each_day_and_its_age_is_measured(world, filled):
    assert list(world.backups.signal().read()) == []
    assert world.backups.task(world.clock).run_once()
    (age,) = world.backups.signal().read()
    assert 0 <= age.value < 60
    assert not world.backups.take_if_due()
    day_ago = world.backups.dumps.file.stat().st_mtime - 86_401
    os.utime(world.backups.dumps.file, (day_ago, day_ago))
    assert world.backups.take_if_due()


def test_no_dump_is_scheduled_when_the_interval_is_zero(server, tmp_path):
    world = World(server, tmp_path, valkey_backup_hours=0.0)
    assert world.backups.task(world.clock) is None
    world.valkey.close()


@pytest.mark.parametrize("cut", [0, 30, -9])
def test_a_damaged_dump_changes_nothing(world, filled, cut):
    world.run("backup")
    file = world.backups.dumps.file
    body = file.read_bytes()
    file.write_bytes(body[:cut] if cut else b"nonsense")
    filled.set("later", "x")
    with pytest.raises(ValkeyDumpDamaged):
        world.dry_run("restore")
    with pytest.raises(ValkeyDumpDamaged):
        world.run("restore")
    assert keys(filled) == KEYS | {b"later"}


def test_the_former_dump_stays_when_the_server_is_down(world, filled, server):
    world.run("backup")
    before = world.backups.dumps.file.read_bytes()
    server.relay.set("refuse")
    with pytest.raises(ValkeyUnavailable):
        world.run("backup")
    assert world.backups.dumps.file.read_bytes() == before
    assert [each.name for each in world.backups.dumps.folder.iterdir()] == ["redis_backup.rdb"]
    server.relay.set("pass")
    world.clock.sleep(PROBE_SECONDS + 1)
    world.run("backup")


def test_without_a_dump_a_server_or_a_program_the_next_step_is_named(server, tmp_path, caplog):
    world = World(server, tmp_path, valkey_programs=str(tmp_path))
    with pytest.raises(ValkeyProgramMissing) as missing:
        world.dry_run("backup")
    assert "service.valkey_programs" in missing.value.hint()
    assert not world.backups.take_if_due()
    assert not world.backups.take_if_due()
    assert len(caplog.records) == 1
    world.valkey.close()
    found = World(server, tmp_path)
    with pytest.raises(ValkeyDumpUnknown) as unknown:
        found.dry_run("restore")
    assert "service.valkey.backup" in unknown.value.hint()
    found.valkey.close()
    without = ValkeyBackups(None, ServiceSettings(), tmp_path)
    assert without.task(world.clock) is None
    assert list(without.signal().read()) == []
    with pytest.raises(ValkeyNotConfigured):
        without.actions()[0].run({}, ActionContext("act", "test"))
