"""What takes disk space, and how it is freed, from the command line."""

import os
import subprocess

import pytest

from trimtab.kernel.clock import SystemClock


@pytest.fixture
def old_log(data_dir):
    """A log of 40 days; it takes 5 MB."""
    file = data_dir / "logs" / "ancient.log"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * 5_000_000)
    stamp = SystemClock().now().timestamp() - 40 * 86_400
    os.utime(file, (stamp, stamp))
    return file


@pytest.mark.feature("F627")
def test_the_largest_entries_of_the_data_directory_are_listed(trimtab, old_log):
    said = trimtab("knowledge", "disk", "--json").json
    assert said["largest"][0]["name"] == "logs"
    assert said["largest"][0]["bytes"] >= 5_000_000
    assert "logs" in trimtab("knowledge", "disk").out


def test_a_clean_up_without_a_service_removes_what_is_too_old(trimtab, old_log):
    assert trimtab("knowledge", "clean-up", "--dry-run", "--json").json["bytes"]["logs"] > 4_999_999
    assert old_log.exists()
    said = trimtab("knowledge", "clean-up", "--json").json
    assert said["freed_bytes"]["logs"] >= 5_000_000
    assert not old_log.exists()


def test_on_a_full_disk_a_start_is_refused_with_the_command_that_frees_it(trimtab, data_dir):
    data_dir.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(data_dir)], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a small disk")
    try:
        refused = trimtab("projects", "list", "--json")
        cleaned = trimtab("knowledge", "clean-up", "--json")
    finally:
        subprocess.run(["umount", "-l", str(data_dir)], check=True)
    assert (refused.code, refused.json["error"]["code"]) == (1, "storage.full")
    assert "trimtab knowledge clean-up" in str(refused.json["error"])
    assert cleaned.code == 0
