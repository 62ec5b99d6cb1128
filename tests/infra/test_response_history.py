"""The normal response time of an hour is that of the same hour of at least three earlier days."""

import math

import pytest

from tests.databases import open_at
from trimtab.infra.response_history import ResponseHistory
from trimtab.testing.clock import FakeClock

pytestmark = pytest.mark.usefixtures("databases")

HOUR = 3600
DAY = 24 * HOUR


class Watched:
    """A service whose p99 is set, looked at once a minute."""

    def __init__(self, folder):
        self.clock = FakeClock()
        self.database = open_at(folder / "state.db", ("state",))
        self.p99, self.requests = 100.0, 100
        self.history = ResponseHistory(self.database, self.clock, lambda: (self.p99, self.requests))

    def hour(self, p99, minutes=10):
        """Be that slow for some minutes, then go on to the same time of the next day."""
        self.p99 = p99
        for _ in range(minutes):
            self.history.note()
            self.clock.advance(60)
        self.clock.advance(DAY - minutes * 60)

    def read(self):
        return {signal.metric: signal.read()[0].value for signal in self.history.signals()}


@pytest.fixture
def watched(tmp_path):
    made = Watched(tmp_path)
    yield made
    made.database.close()


@pytest.mark.feature("F299")
@pytest.mark.parametrize(("days", "known"), [(2, False), (3, True)])
def test_the_normal_is_unknown_before_three_days_and_says_how_many_there_are(watched, days, known):
    for _ in range(days):
        watched.hour(120)
    read = watched.read()
    assert read["http_p99_latency_normal_days"] == days
    assert math.isnan(read["http_p99_latency_normal_ms"]) != known


@pytest.mark.feature("F299")
def test_the_normal_is_the_median_of_the_same_hour_and_one_bad_day_does_not_move_it(watched):
    for p99 in (100, 120, 9000):
        watched.hour(p99)
    assert watched.history.normal_ms() == 120
    watched.clock.advance(HOUR)
    assert watched.history.days() == 0


def test_the_present_day_is_not_compared_with_itself(watched):
    for _ in range(3):
        watched.hour(100)
    watched.p99 = 9000
    for _ in range(30):
        watched.history.note()
    assert (watched.history.normal_ms(), watched.history.days()) == (100, 3)


@pytest.mark.parametrize(("requests", "minutes", "days"), [(100, 10, 1), (99, 10, 0), (100, 9, 0)])
def test_an_hour_counts_when_enough_was_asked_for_long_enough(watched, requests, minutes, days):
    watched.requests = requests
    watched.hour(100, minutes)
    assert watched.history.days() == days


@pytest.mark.parametrize(("age_days", "known"), [(14, 1), (15, 0)])
def test_days_older_than_two_weeks_are_forgotten(watched, age_days, known):
    watched.hour(100)
    watched.clock.advance((age_days - 1) * DAY)
    assert watched.history.days() == known
    watched.history.note()
    with watched.database.read() as connection:
        hours = connection.exec_driver_sql("SELECT count(*) FROM response_hours").scalar()
    assert hours == known + 1


def test_an_hours_figure_is_the_mean_over_its_minutes(watched):
    for _ in range(3):
        watched.p99 = 100
        for _ in range(5):
            watched.history.note()
        watched.hour(200, 5)
    assert watched.history.normal_ms() == 150
