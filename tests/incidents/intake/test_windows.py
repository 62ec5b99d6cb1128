"""Weekly maintenance windows: their days and hours, to the second."""

from datetime import datetime

import pytest

from trimtab.incidents.intake.config import load_config

FILE = """
maintenance_windows:
  - name: patches
    matchers: ['cluster="staging"']
    days: {days}
    from: "{begin}"
    to: "{end}"
"""


def is_open(folder, at, *, days="[sat]", begin="08:00", end="10:00"):
    file = folder / "alerts.yaml"
    file.write_text(FILE.format(days=days, begin=begin, end=end))
    (window,) = load_config(str(file)).windows
    return window.active(datetime.fromisoformat(f"2026-03-{at}+00:00"))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("14T07:59:59", False),  # A Saturday.
        ("14T08:00:00", True),
        ("14T09:59:59", True),
        ("14T10:00:00", False),
        ("15T09:00:00", False),
    ],
)
def test_a_window_of_a_day_is_open_from_its_begin_to_its_end(tmp_path, at, expected):
    assert is_open(tmp_path, at) is expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("14T07:59:59", False),
        ("14T08:00:00", True),
        ("15T07:59:59", True),
        ("15T08:00:00", False),
    ],
)
def test_a_window_from_a_time_to_the_same_time_is_a_whole_day(tmp_path, at, expected):
    assert is_open(tmp_path, at, begin="08:00", end="08:00") is expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("13T23:00:00", False),
        ("14T21:59:59", False),
        ("14T22:00:00", True),
        ("15T01:59:59", True),
        ("15T02:00:00", False),
        ("15T22:00:00", False),
        ("16T01:00:00", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(tmp_path, at, expected):
    assert is_open(tmp_path, at, begin="22:00", end="02:00") is expected


@pytest.mark.parametrize(("days", "expected"), [("[Monday, SATURDAY]", True), ("[sun]", False)])
def test_days_may_be_written_in_full(tmp_path, days, expected):
    assert is_open(tmp_path, "14T09:00:00", days=days) is expected
