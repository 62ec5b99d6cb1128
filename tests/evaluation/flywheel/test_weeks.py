"""ISO weeks as the runbook's command prints them, also around New Year."""

from datetime import UTC, datetime

import pytest

from trimtab.evaluation.errors import WeekUnknown
from trimtab.evaluation.flywheel import parse_week

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_a_week_goes_from_monday_to_monday():
    week, note = parse_week("2026-W48", NOW)
    assert (week.start.date().isoformat(), week.end.date().isoformat(), note) == (
        "2026-11-23",
        "2026-11-30",
        "",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2026-48", "not a week"),
        ("2026-W5", "not a week"),
        ("last week", "not a week"),
        ("2025-W53", "has no week 53"),
        ("2026-W00", "has no week 0"),
        ("2026-W49", "has not begun"),
    ],
)
def test_a_week_that_does_not_exist_is_refused_with_the_form(text, says):
    with pytest.raises(WeekUnknown, match=says) as refused:
        parse_week(text, NOW)
    assert "date +%G-W%V" in refused.value.hint()


def test_the_last_week_of_a_long_year_exists():
    assert parse_week("2026-W53", datetime(2027, 2, 1, tzinfo=UTC))[0].name == "2026-W53"


@pytest.mark.parametrize(
    ("day", "printed", "means"),
    [
        (datetime(2027, 1, 1, tzinfo=UTC), "2027-W53", "2026-W53"),
        (datetime(2029, 12, 31, tzinfo=UTC), "2029-W01", "2030-W01"),
    ],
)
def test_the_year_of_the_runbooks_command_is_corrected_with_a_note(day, printed, means):
    assert day.strftime("%Y-W%V") == printed
    week, note = parse_week(printed, day)
    assert week.name == means
    assert means in note
