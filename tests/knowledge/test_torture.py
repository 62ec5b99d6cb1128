"""A short run of each campaign that ``make torture-knowledge`` runs at length."""

import json
import subprocess
import sys

import pytest

_NONE = {"--kills": "0", "--flips": "0", "--service": "0", "--full-step": "0"}


def campaign(**options):
    given = {
        **_NONE,
        **{f"--{name.replace('_', '-')}": str(value) for name, value in options.items()},
    }
    arguments = [part for pair in given.items() for part in pair]
    command = [
        sys.executable,
        "-m",
        "tests.knowledge.torture",
        "--json",
        "--seed",
        "42",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=250)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["violations"] == [], done.stderr
    return {found["campaign"]: found for found in report["campaigns"]}


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_and_nothing_deleted_comes_back_after_a_kill():
    assert campaign(kills=6)["kill -9"]["tried"] == 6


@pytest.mark.timeout(300)
def test_a_flipped_byte_is_noticed_and_repaired_or_changes_nothing():
    found = campaign(flips=18)
    assert {"flipped byte: database", "flipped byte: backup"} <= set(found)


@pytest.mark.timeout(300)
def test_a_full_disk_refuses_wholly_and_keeps_what_was_acknowledged():
    found = campaign(full_step=12)
    assert found, "the campaign says at least why it did not run"


@pytest.mark.timeout(300)
def test_no_damaged_file_of_the_service_is_used_without_a_word():
    found = campaign(service=6)
    assert sum(one["tried"] for name, one in found.items() if name.startswith("service")) == 6
