"""Series without a threshold, watched on trimtab's samples and on a Prometheus server."""

from datetime import timedelta

import pytest

from tests.incidents.intake.desk import make_desk
from trimtab.incidents.anomaly.watch import AnomalyWatch
from trimtab.monitoring.errors import EvaluationFailed
from trimtab.monitoring.labels import labels_of
from trimtab.monitoring.prometheus.client import RangeSeries
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore
from trimtab.monitoring.views import SeriesView


class Plant:
    """A desk, samples of one series, and the watch over it."""

    def __init__(self, folder, *expressions, source=None):
        self.desk = make_desk(folder)
        self.store = SeriesStore(7200)
        view, clock = SeriesView(self.store, frozenset()), self.desk.clock
        self.watch = AnomalyWatch(expressions, view, source, self.desk.intake, clock)

    def step(self, value, **labels):
        self.desk.later(seconds=300)
        pair = (labels_of({"__name__": "queue", **labels}), value)
        self.store.append("scrape", milliseconds(self.desk.clock.now()), [pair])
        self.watch.look()
        self.desk.intake.process()


@pytest.fixture
def plant(tmp_path):
    plant = Plant(tmp_path, "queue")
    for number in range(300):
        plant.step(10 + number % 5, shop="a")
    return plant


def test_usual_values_open_nothing(plant):
    for number in range(20):
        plant.step(10 + number % 5, shop="a")
    assert plant.desk.open() == []


def test_an_anomaly_opens_one_incident_and_says_what_is_unusual(plant):
    for value in (60, 61, 60):
        plant.step(value, shop="a")
    (incident,) = plant.desk.open()
    (attached,) = incident.alerts
    assert attached.alert.labels["shop"] == "a"
    assert attached.alert.annotations["summary"].startswith("queue is 60: its jump is ")


@pytest.mark.parametrize(("steps", "firing"), [(11, True), (12, False)])
def test_it_is_over_after_an_hour_of_usual_values(plant, steps, firing):
    plant.step(60, shop="a")
    (incident,) = plant.desk.open()
    plant.watch._watched[next(iter(plant.watch._watched))].detector.margin = 1e9
    for _ in range(steps):
        plant.step(12, shop="a")
    (attached,) = plant.desk.incidents.get(incident.id).alerts
    assert attached.firing is firing


class Server:
    """Has two weeks of a series, and remembers which windows it was asked for."""

    def __init__(self):
        self.newest, self.windows, self.error = 12.0, [], None

    def history(self, expression, end, window, step):
        self.windows.append(window)
        if self.error:
            raise self.error
        count, last = round(window.total_seconds() / step), end.timestamp()
        points = [(last - step * (count - n), 10.0 + n % 5) for n in range(count)]
        return (RangeSeries({"job": "shop"}, (*points, (last, self.newest))),)


def test_a_server_teaches_two_weeks_at_once(tmp_path):
    server = Server()
    plant = Plant(tmp_path, 'sum(rate(orders_total{job="shop"}[5m]))', source=server)
    plant.step(0)
    server.newest = 90.0
    plant.step(0)
    (incident,) = plant.desk.open()
    assert incident.alert.labels["job"] == "shop"
    assert server.windows == [timedelta(days=14), timedelta(minutes=5)]


def test_what_cannot_be_read_stops_no_other_series(tmp_path, caplog):
    server = Server()
    server.error = EvaluationFailed("The answer is partial.")
    plant = Plant(tmp_path, "orders", "queue", "not ( promql", source=server)
    for number in range(300):
        plant.step(10 + number % 5)
    plant.step(70)
    assert len(plant.desk.open()) == 1
    assert "a watched series cannot be read" in caplog.text
