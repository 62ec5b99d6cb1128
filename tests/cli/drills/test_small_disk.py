"""The disk of drills: a file system of its own where that is permitted, else a folder that says why not."""

import subprocess

import pytest

from tests.processes import COMMAND, clean_environment
from trimtab.cli.drills import small_disk
from trimtab.cli.drills.small_disk import SmallDisk
from trimtab.knowledge.operable.disk_faults import own_small_disk


def test_a_small_disk_is_a_file_system_of_its_own_and_is_taken_away(tmp_path):
    disk = SmallDisk(tmp_path / "data", megabytes=2)
    if disk.problem:
        pytest.skip("this user may not mount a small disk")
    try:
        assert own_small_disk(disk.folder)
        with pytest.raises(OSError, match="No space left"):
            (disk.folder / "ballast").write_bytes(b"x" * 3_000_000)
    finally:
        disk.close()
    assert not disk.folder.is_mount()
    assert list(disk.folder.iterdir()) == []


def test_without_the_right_to_mount_the_folder_is_used_and_the_reason_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(small_disk, "_program", lambda _: "")
    disk = SmallDisk(tmp_path / "data")
    assert disk.problem == "there is no mount program"
    assert not own_small_disk(disk.folder)
    disk.close()
    assert disk.folder.is_dir()


def test_a_killed_drill_leaves_no_folder_and_no_mount(tmp_path):
    command = [
        COMMAND,
        "--data-dir",
        tmp_path / "none",
        "drills",
        "run",
        "gates-documentation-issues",
    ]
    environment = clean_environment(TMPDIR=str(tmp_path))
    with subprocess.Popen(
        [*command, "--json"], stdout=subprocess.PIPE, text=True, env=environment
    ) as drill:
        assert drill.stdout.readline()
        assert list(tmp_path.glob("trimtab-drills-*"))
        drill.terminate()
        drill.communicate()
    assert drill.returncode != 0
    assert list(tmp_path.glob("trimtab-drills-*")) == []
