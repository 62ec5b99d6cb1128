"""Series without a threshold, watched on trimtab's samples and on a Prometheus server."""

from datetime import timedelta

import pytest

from tests.incidents.intake.desk import make_desk
from trimtab.incidents.anomaly.detector import SeriesDetector
from trimtab.incidents.anomaly.memory import DetectorMemory, WatchedSeries
from trimtab.incidents.anomaly.watch import AnomalyWatch
from trimtab.infra.settings.sections.monitor import MonitorSettings
from trimtab.kernel.errors import StorageFull
from trimtab.monitoring.errors import EvaluationFailed
from trimtab.monitoring.labels import labels_of
from trimtab.monitoring.prometheus.client import RangeSeries
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore
from trimtab.monitoring.views import SeriesView


class Folder:
    """A data directory; a full one writes nothing."""

    def __init__(self, path):
        self.path, self.full = path, False

    def file(self, name):
        return self.path / name

    def keep_secret(self, name, data):
        if self.full:
            raise StorageFull("The disk is full.")
        self.file(name).write_bytes(data)


class Plant:
    """A desk, samples of one series, and the watch over it."""

    def __init__(self, folder, *expressions, source=None):
        self.desk = make_desk(folder)
        self.store = SeriesStore(7200)
        self.folder = Folder(folder)
        self._expressions, self._source = expressions, source
        self.restart()

    def restart(self):
        """Watch anew, as after a kill: what the watch had in memory is gone."""
        view, clock = SeriesView(self.store, frozenset()), self.desk.clock
        memory = DetectorMemory(self.folder)
        intake, source = self.desk.intake, self._source
        self.watch = AnomalyWatch(
            MonitorSettings(anomaly_series=self._expressions), view, source, intake, clock, memory
        )

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


def test_the_alert_of_an_anomaly_bears_these_labels_and_expires_after_a_day(tmp_path):
    long = "queue" + " + 0" * 60
    plant = Plant(tmp_path, long)
    plant.step(10, shop="a")
    (watched,) = plant.watch._watched.values()
    watched.detector.margin = -1
    plant.step(10, shop="a")
    (stored,) = plant.desk.store.firing()
    assert stored.labels == {
        "alertname": "AnomalousSeries",
        "series": long[:200],
        "severity": "warning",
        "shop": "a",
    }
    assert stored.source == "anomaly"
    assert stored.ends_at == plant.desk.clock.now() + timedelta(hours=24)


def test_two_hundred_series_are_watched_and_remembered(tmp_path):
    plant = Plant(tmp_path, "queue")
    pairs = [(labels_of({"__name__": "queue", "shop": str(n)}), 1.0) for n in range(201)]
    plant.store.append("scrape", milliseconds(plant.desk.clock.now()), pairs)
    plant.watch.look()
    assert len(plant.watch._watched) == 200
    plant.watch._watched["one more"] = WatchedSeries("queue", {"shop": "more"}, SeriesDetector())
    plant.watch.close()
    plant.restart()
    plant.watch.look()
    assert len(plant.watch._watched) == 200


@pytest.mark.parametrize(("steps", "firing"), [(11, True), (12, False)])
def test_it_is_over_after_an_hour_of_usual_values(plant, steps, firing):
    plant.step(60, shop="a")
    (incident,) = plant.desk.open()
    (watched,) = plant.watch._watched.values()
    watched.detector.margin = 1e9
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


# --- restarts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_after_a_restart_an_anomaly_is_found_at_once(plant, how):
    if how == "stopped":
        plant.watch.close()
    plant.restart()
    plant.step(60, shop="a")
    assert len(plant.desk.open()) == 1


def test_a_stop_loses_nothing_of_what_was_learned(plant):
    (watched,) = plant.watch._watched.values()
    # The last save was not at the last look.
    (before,) = DetectorMemory(plant.folder).load(*lately(plant)).values()
    assert before.detector.newest_at < watched.detector.newest_at
    plant.watch.close()
    (after,) = DetectorMemory(plant.folder).load(*lately(plant)).values()
    assert after.detector.newest_at == watched.detector.newest_at


def test_a_kill_loses_no_more_than_what_was_learned_in_an_hour(plant):
    saved = DetectorMemory(plant.folder).load(*lately(plant))
    (before,) = plant.watch._watched.values()
    (after,) = saved.values()
    missing = before.detector.newest_at - after.detector.newest_at
    assert 0 <= missing < 3600


def lately(plant):
    now = plant.desk.clock.now()
    return now - timedelta(days=1), now


def test_an_anomaly_that_a_restart_interrupts_stays_one_and_ends(plant):
    plant.step(60, shop="a")
    plant.restart()
    plant.step(61, shop="a")
    (incident,) = plant.desk.open()
    (watched,) = plant.watch._watched.values()
    watched.detector.margin = 1e9
    for _ in range(12):
        plant.step(12, shop="a")
    (attached,) = plant.desk.incidents.get(incident.id).alerts
    assert not attached.firing


@pytest.mark.parametrize(("hours", "filled"), [(0, 0), (6, 72)])
def test_the_time_without_the_service_is_filled(plant, hours, filled):
    plant.watch.close()
    plant.desk.later(hours=hours)
    plant.restart()
    plant.step(12, shop="a")
    (watched,) = plant.watch._watched.values()
    times, values, _ = watched.detector.learned()
    assert len(values) == 300 + filled + 1
    assert set(times[1:] - times[:-1]) == {300.0}
    assert plant.desk.open() == []


def damaged(data, how):
    if how == "cut":
        return data[: len(data) // 2]
    if how == "changed":
        middle = len(data) // 2
        return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    return {"empty": b"", "other": b"not a file of arrays"}[how]


@pytest.mark.parametrize("how", ["cut", "changed", "empty", "other"])
def test_a_damaged_file_is_told_and_learned_anew(plant, how, caplog):
    file = plant.folder.file("anomalies.npz")
    file.write_bytes(damaged(file.read_bytes(), how))
    plant.restart()
    plant.step(60, shop="a")
    assert "anomalies.npz cannot be read" in caplog.text
    assert plant.desk.open() == []
    assert DetectorMemory(plant.folder).load(*lately(plant)) != {}


def test_a_full_disk_stops_no_look_and_keeps_the_file(plant, caplog):
    before = plant.folder.file("anomalies.npz").read_bytes()
    plant.folder.full = True
    plant.step(60, shop="a")
    assert len(plant.desk.open()) == 1
    assert "is not saved: The disk is full." in caplog.text
    assert plant.folder.file("anomalies.npz").read_bytes() == before


@pytest.mark.parametrize(("days", "known"), [(-1, 0), (0, 1), (13, 1), (15, 0)])
def test_series_of_another_time_are_forgotten(plant, days, known):
    plant.watch.close()
    plant.desk.later(days=days)
    plant.restart()
    plant.watch.look()
    assert len(plant.watch._watched) == known


def test_a_series_that_is_not_watched_any_more_is_forgotten(plant):
    plant.watch.close()
    plant._expressions = ("other",)
    plant.restart()
    plant.watch.look()
    assert plant.watch._watched == {}


def test_a_watch_that_never_looked_saves_nothing(tmp_path):
    plant = Plant(tmp_path, "queue")
    plant.watch.close()
    assert not plant.folder.file("anomalies.npz").exists()


def test_a_server_teaches_what_was_missed(tmp_path):
    server = Server()
    plant = Plant(tmp_path, "orders", source=server)
    plant.step(0)
    plant.watch.close()
    plant.desk.later(hours=5)
    plant.restart()
    plant.step(0)
    assert server.windows == [timedelta(days=14), timedelta(hours=5, minutes=5)]
    (watched,) = plant.watch._watched.values()
    times, _, _ = watched.detector.learned()
    assert set(times[1:] - times[:-1]) == {300.0}


def test_the_end_of_an_anomaly_names_the_series_that_began_it(tmp_path):
    plant = Plant(tmp_path, "queue", "sum by (shop) (avg_over_time(queue[10m])) + 1")
    for number in range(300):
        plant.step(10 + number % 5, shop="a")
    plant.step(90, shop="a")
    assert len(plant.desk.open()) == 1
    for watched in plant.watch._watched.values():
        watched.detector.margin = 1e9
    for _ in range(12):
        plant.step(12, shop="a")
    (incident,) = plant.desk.open()
    assert {each.firing for each in incident.alerts} == {False}
