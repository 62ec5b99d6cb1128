"""A few rounds of the campaign that ``make torture-knowledge`` runs at length."""

import subprocess
import sys

import pytest


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_and_nothing_deleted_comes_back():
    campaign = [sys.executable, "-m", "tests.knowledge.torture", "--kills", "6", "--seed", "42"]
    done = subprocess.run(campaign, capture_output=True, text=True, check=False, timeout=250)
    assert done.stdout.endswith("; 0 violations\n"), done.stdout + done.stderr
