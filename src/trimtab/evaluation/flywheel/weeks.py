"""ISO weeks, as `date +%G-W%V` writes them."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from trimtab.evaluation.errors import WeekUnknown

_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_HINT = "Write YYYY-Www, such as 2026-W48; `date +%G-W%V` prints the present week."


@dataclass(frozen=True, slots=True, order=True)
class IsoWeek:
    """One week, from Monday to Sunday in UTC."""

    year: int
    number: int

    @property
    def name(self) -> str:
        """Return it as YYYY-Www."""
        return f"{self.year:04}-W{self.number:02}"

    @property
    def start(self) -> datetime:
        """Return its first instant."""
        monday = date.fromisocalendar(self.year, self.number, 1)
        return datetime(monday.year, monday.month, monday.day, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """Return the first instant of the next week."""
        return self.start + timedelta(days=7)


def parse_week(text: str, now: datetime) -> tuple[IsoWeek, str]:
    """Return the week, and a note when its year was corrected.

    The runbook's `date +%Y-W%V` joins the calendar year with the ISO week, which is wrong for up to
    three days around New Year. What that command prints today means the present week.

    Raises:
        WeekUnknown: The text names no week, or one that has not begun.
    """
    match = _WEEK.fullmatch(text)
    if match is None:
        raise WeekUnknown(f"{text!r} is not a week.", hint=_HINT)
    year, number = int(match[1]), int(match[2])
    present = now.isocalendar()
    if (year, number) == (now.year, present.week) and now.year != present.year:
        week = IsoWeek(present.year, present.week)
        return week, f"{text} means {week.name}: the ISO year of today is {present.year}."
    week = IsoWeek(year, number)
    try:
        begins = week.start
    except ValueError:
        raise WeekUnknown(f"The year {year} has no week {number}.", hint=_HINT) from None
    if begins > now:
        raise WeekUnknown(f"The week {week.name} has not begun.", hint=_HINT)
    return week, ""
