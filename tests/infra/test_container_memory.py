"""Limits and kills of both versions of control groups, in the words of their files."""

import math

import pytest

from trimtab.infra.container_memory import ContainerMemory
from trimtab.knowledge.maintenance.memory import MemoryUsage
from trimtab.testing.clock import FakeClock

GB = 1 << 30
UNLIMITED = 9223372036854771712
"""What version 1 says of a group without a limit."""


def version_1(folder, limit, kills=0):
    """Write the files of a group of version 1, as a container sees them."""
    group = folder / "memory"
    group.mkdir(parents=True)
    (group / "memory.limit_in_bytes").write_text(f"{limit}\n")
    (group / "memory.oom_control").write_text(
        f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n"
    )
    return ContainerMemory(folder)


def version_2(folder, limit, kills=0):
    """Write the files of a group of version 2."""
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.events").write_text(f"low 0\nmax 7\noom 3\noom_kill {kills}\n")
    return ContainerMemory(folder)


@pytest.mark.parametrize("version", [version_1, version_2])
def test_the_limit_and_the_kills_of_a_container_are_read(tmp_path, version):
    memory = version(tmp_path, 2 * GB, kills=4)
    assert (memory.limit_bytes(), memory.oom_kills()) == (2 * GB, 4)


def test_a_group_without_a_limit_has_none(tmp_path):
    assert version_2(tmp_path, "max").limit_bytes() == math.inf
    assert version_1(tmp_path, UNLIMITED).limit_bytes() == math.inf
    assert ContainerMemory(tmp_path / "none").limit_bytes() == math.inf


def test_kills_in_the_root_group_of_a_machine_are_not_this_containers(tmp_path):
    assert math.isnan(version_1(tmp_path, UNLIMITED, kills=9).oom_kills())


def test_the_use_is_measured_against_the_lower_limit(tmp_path):
    clock = FakeClock()
    limited = MemoryUsage(clock, 8192, version_2(tmp_path, GB))
    free = MemoryUsage(clock, 8192, ContainerMemory(tmp_path / "none"))
    stricter = MemoryUsage(clock, 512, version_2(tmp_path, GB))
    ratios = [usage.resident_mb() / usage.used_ratio() for usage in (limited, free, stricter)]
    assert ratios == pytest.approx([1024, 8192, 512], rel=0.01)
