"""Normal response time by hour of the day, from earlier days."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from statistics import median

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Sample, Signal

MIN_DAYS = 3
"""Minimum number of days, so that one day with an incident does not set the norm."""
_DAYS = 14
_MIN_REQUESTS = 100
"""Minimum sample: with fewer than a hundred requests the p99 is the slowest one."""
_MIN_MINUTES = 10

_hours = sa.table("response_hours", *map(sa.column, ("hour", "total_ms", "minutes")))


class ResponseHistory:
    """Keeps the mean p99 of each hour for two weeks.

    Args:
        database: Holds the chain ``state``.
        clock: The clock of the service; hours are in UTC.
        recent: Returns the p99 in milliseconds of the last minutes' requests of users, and how many
            there were.
    """

    def __init__(
        self, database: Database, clock: Clock, recent: Callable[[], tuple[float, int]]
    ) -> None:
        self._database = database
        self._clock = clock
        self._recent = recent

    def note(self) -> None:
        """Add the current p99 to its hour and delete hours older than two weeks.

        Call it once a minute.
        """
        p99_ms, requests = self._recent()
        if requests < _MIN_REQUESTS:
            return
        now = self._clock.now()
        oldest = _hour(now - timedelta(days=_DAYS))
        with self._database.write() as connection:
            mine = _hours.c.hour == _hour(now)
            row = connection.execute(sa.select(_hours).where(mine)).mappings().first()
            if row is None:
                values = {"hour": _hour(now), "total_ms": p99_ms, "minutes": 1}
                connection.execute(sa.insert(_hours).values(**values))
            else:
                total = {"total_ms": row["total_ms"] + p99_ms, "minutes": row["minutes"] + 1}
                connection.execute(sa.update(_hours).where(mine).values(**total))
            connection.execute(sa.delete(_hours).where(_hours.c.hour < oldest))

    def days(self) -> int:
        """Return the number of earlier days with data for the current hour."""
        return len(self._means())

    def normal_ms(self) -> float:
        """Return the median of earlier days' means at this hour, in milliseconds.

        NaN before three days are known.
        """
        means = self._means()
        return median(means) if len(means) >= MIN_DAYS else math.nan

    def signals(self) -> tuple[Signal, ...]:
        """Return the signals of the normal response time and its days of data."""
        return (
            Signal(
                "service.response.normal",
                "ms",
                f"Normal p99 of this hour of the day, from earlier days; absent before {MIN_DAYS}"
                " days are known.",
                lambda: [Sample(self.normal_ms())],
                metric="http_p99_latency_normal_ms",
            ),
            Signal(
                "service.response.days",
                "days",
                "Earlier days whose response time at this hour is known; ServiceDegraded needs"
                f" {MIN_DAYS}.",
                lambda: [Sample(float(self.days()))],
                metric="http_p99_latency_normal_days",
            ),
        )

    def _means(self) -> list[float]:
        now = self._clock.now()
        hours = [_hour(now - timedelta(days=day)) for day in range(1, _DAYS + 1)]
        query = sa.select(_hours.c.total_ms, _hours.c.minutes).where(
            _hours.c.hour.in_(hours), _hours.c.minutes >= _MIN_MINUTES
        )
        with self._database.read() as connection:
            return [row.total_ms / row.minutes for row in connection.execute(query)]


def _hour(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H")
