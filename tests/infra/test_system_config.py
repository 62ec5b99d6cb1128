"""The ConfigMap `system-config` switches maintenance mode while the service runs."""

from dataclasses import asdict

import pytest

from trimtab.infra.changes import ChangeLog
from trimtab.infra.maintenance import MaintenanceMode
from trimtab.infra.settings.sections.service import ServiceSettings
from trimtab.infra.system_config import ACTOR, SystemConfig
from trimtab.kernel.health import Health
from trimtab.testing.clock import FakeClock

MESSAGE = "System maintenance in progress"


class World:
    """Maintenance mode beside a mounted ConfigMap; `restart` is the next process on the data."""

    def __init__(self, folder):
        self.data, self.folder, self.clock = folder / "data", folder / "config", FakeClock()
        for each in (self.data, self.folder / "system-config"):
            each.mkdir(parents=True)
        self.changes = ChangeLog(self.clock)
        self.restart()

    def restart(self):
        self.maintenance = MaintenanceMode(
            ServiceSettings(), self.data, self.clock, Health(self.clock)
        )
        self.config = SystemConfig(self.folder, self.data, self.maintenance, self.changes)

    def patch(self, mode, message=MESSAGE):
        mounted = self.folder / "system-config"
        (mounted / "maintenance_mode").write_text(mode, encoding="utf-8")
        (mounted / "maintenance_message").write_text(message, encoding="utf-8")
        return self.config.look()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_patch_switches_it_on_and_the_next_one_off(world):
    assert not world.config.look()
    assert world.patch("false")
    assert not world.maintenance.on
    assert world.patch("true", "Back at nine.")
    state = world.maintenance.state
    assert (state.on, state.message, state.by) == (True, "Back at nine.", ACTOR)
    assert not world.config.look()
    newest = world.changes.newest()
    assert (newest.action, newest.undo_arguments["on"]) == ("service.maintenance.start", False)
    assert world.patch("false")
    assert not world.maintenance.on
    assert world.changes.newest().action == "service.maintenance.stop"


def test_another_message_is_told_while_it_is_on(world):
    world.patch("true", "Back at nine.")
    world.patch("true", "Back at ten.")
    assert world.maintenance.state.message == "Back at ten."


def test_what_a_person_switched_since_stays_over_a_restart(world):
    world.patch("true")
    world.maintenance.stop("ann")
    world.restart()
    assert not world.config.look()
    assert not world.maintenance.on
    world.patch("false")
    world.maintenance.start("ann")
    world.restart()
    assert not world.config.look()
    assert world.maintenance.on


def test_a_patch_made_while_no_process_ran_is_applied_at_the_start(world):
    world.patch("false")
    (world.folder / "system-config" / "maintenance_mode").write_text("true", encoding="utf-8")
    world.restart()
    assert world.config.look()
    assert world.maintenance.on


def test_the_first_mount_ends_nothing_that_a_person_began(world):
    world.maintenance.start("ann")
    assert world.patch("false")
    assert world.maintenance.on


@pytest.mark.parametrize("text", ["yes", "", "1"])
def test_a_wrong_value_changes_nothing_and_is_logged_once(world, caplog, text):
    world.patch("true")
    assert not world.patch(text)
    assert not world.config.look()
    assert world.maintenance.on
    (record,) = [each for each in caplog.records if each.message == "system_config_refused"]
    assert "not true or false" in record.reason


@pytest.mark.parametrize("text", ["[1]", "a: ["])
def test_a_file_that_is_no_map_is_refused(world, caplog, text):
    (world.folder / "system-config").rename(world.folder / "gone")
    (world.folder / "system-config.yaml").write_text(text, encoding="utf-8")
    assert not world.config.look()
    (record,) = [each for each in caplog.records if each.message == "system_config_refused"]
    assert record.reason.startswith("system-config.yaml")


def test_a_process_that_joins_later_does_not_undo_what_a_person_switched(world, tmp_path):
    world.patch("true")
    world.maintenance.stop("alice")
    joined = World(tmp_path / "another")
    joined.maintenance.restore(asdict(world.maintenance.state))  # As the fleet does.
    joined.config.adopt(world.config.applied)
    assert not joined.patch("true")
    assert not joined.maintenance.on


def test_a_process_with_an_older_mount_does_not_apply_it_again(world, tmp_path):
    late = World(tmp_path / "late")
    for each in (world, late):
        each.patch("false")
    world.patch("true")
    late.maintenance.restore(asdict(world.maintenance.state))
    late.config.adopt(world.config.applied)
    assert not late.config.look()
    assert not late.patch("true")
    assert late.maintenance.on


def test_what_could_not_be_written_is_applied_by_the_next_look(world):
    blocked = world.data / "maintenance.json"
    blocked.mkdir()
    assert not world.patch("true")
    blocked.rmdir()
    assert world.config.look()
    assert world.maintenance.on
