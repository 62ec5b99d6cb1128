"""The load of the machine's disks is measured from what the kernel counts."""

import os
from types import SimpleNamespace

import psutil
import pytest

from trimtab.infra.disk_load import DiskLoad
from trimtab.testing.clock import FakeClock


def counters(requests, milliseconds, busy):
    return SimpleNamespace(
        read_count=requests, write_count=0, read_time=milliseconds, write_time=0, busy_time=busy
    )


@pytest.fixture
def disk(monkeypatch, tmp_path):
    """Let the kernel count what the test says, of one disk with a partition."""
    (tmp_path / "vda").mkdir()
    monkeypatch.setattr("trimtab.infra.disk_load._BLOCK_DEVICES", tmp_path)
    now = {"vda": counters(10, 50, 40), "vda1": counters(10, 50, 40)}
    monkeypatch.setattr(psutil, "disk_io_counters", lambda **_: dict(now))
    return now


def read(load):
    return {
        signal.name: {each.labels["device"]: each.value for each in signal.read()}
        for signal in load.signals()
    }


@pytest.mark.feature("F518")
def test_busy_time_and_wait_are_those_since_the_last_look(disk):
    clock = FakeClock()
    load = DiskLoad(clock)
    assert read(load) == {"service.disk.busy_ratio": {}, "service.disk.wait_seconds": {}}
    disk["vda"] = counters(30, 450, 1540)
    clock.advance(2)
    wanted = {
        "service.disk.busy_ratio": {"vda": 0.75},
        "service.disk.wait_seconds": {"vda": 0.02},
    }
    assert read(load) == wanted
    disk["vda"] = counters(31, 460, 9000)
    clock.advance(0.5)
    assert read(load) == wanted
    clock.advance(1.5)
    assert read(load)["service.disk.busy_ratio"] == {"vda": 1.0}
    clock.advance(2)
    assert read(load) == {
        "service.disk.busy_ratio": {"vda": 0.0},
        "service.disk.wait_seconds": {},
    }


def test_a_system_that_counts_nothing_has_no_samples(disk):
    clock = FakeClock()
    load = DiskLoad(clock)
    disk.clear()
    clock.advance(2)
    assert read(load) == {"service.disk.busy_ratio": {}, "service.disk.wait_seconds": {}}


@pytest.mark.durable
def test_writing_to_this_machines_disk_is_seen(tmp_path):
    clock = FakeClock()
    load = DiskLoad(clock)
    with (tmp_path / "file").open("wb") as file:
        for _ in range(20):
            file.write(b"x" * 1024 * 1024)
            file.flush()
            os.fsync(file.fileno())
    clock.advance(1)
    used = {
        name for name, each in psutil.disk_io_counters(perdisk=True).items() if each.write_count
    }
    found = read(load)["service.disk.busy_ratio"]
    assert set(found) <= used
    assert all(0 <= value <= 1 for value in found.values())
