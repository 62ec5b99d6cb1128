"""Five weeks of samples become a forecast, a notice that proposes replicas, and rows of the command."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from trimtab.cli.kubernetes_forecast import forecast_rows
from trimtab.infra.storage import DataDirectory
from trimtab.monitoring.alerts import AlertState
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.labels import labels_of
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore
from trimtab.monitoring.usage.history import FILE, KEPT_HOURS, UsageHistory
from trimtab.monitoring.usage.watch import UsageForecast
from trimtab.testing.clock import FakeClock

RULES = Path(__file__).parents[3] / "rules" / "kubernetes.yml"
HOUR = 3600.0
PLACE = {"cluster": "current", "namespace": "production", "name": "web"}
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


class Plant:
    """A workload whose use is told, looked at every twenty minutes."""

    def __init__(self, folder):
        self.clock = FakeClock(MONDAY)
        self.samples = SeriesStore(7200)
        self.directory = DataDirectory(folder)
        self.start()

    def start(self):
        self.forecast = UsageForecast(
            ["used_ratio", "absent_ratio"],
            lambda: self.samples,
            UsageHistory(self.directory),
            self.clock,
        )

    def use(self, share, hours=1, looks=3, **labels):
        for _ in range(round(hours * looks)):
            series = labels_of({"__name__": "used_ratio", **PLACE, **labels})
            self.samples.append("plant", milliseconds(self.clock.now()), [(series, share)])
            self.forecast.look()
            self.clock.advance(HOUR / looks)

    def read(self, name):
        (signal,) = [each for each in self.forecast.signals() if each.name == name]
        return [sample.value for sample in signal.read()]

    def weeks(self, *shares):
        for share in shares:
            self.use(share, 168, looks=1)
        self.forecast.look()


@pytest.fixture
def plant(tmp_path):
    made = Plant(tmp_path / "data")
    yield made
    made.directory.close()


def test_two_weeks_are_needed_and_then_the_growth_goes_on(plant):
    plant.use(0.5, 168, looks=1)
    plant.use(0.6, 167, looks=1)
    assert plant.read("usage.forecast.peak") == []
    assert plant.read("usage.peak") == [pytest.approx(0.6)]
    plant.use(0.6, 2, looks=1)
    assert plant.read("usage.forecast.peak") == [pytest.approx(0.7)]
    assert plant.read("usage.forecast.days") == [14.0]


def test_the_peak_of_an_hour_counts(plant):
    plant.use(0.2)
    plant.use(0.9, 1 / 3)
    plant.use(0.3, 2 / 3)
    plant.use(0.1, 1 / 3)
    assert plant.read("usage.peak") == [pytest.approx(0.9)]


def test_what_is_not_finite_is_not_noted(plant):
    plant.use(float("nan"))
    plant.use(float("inf"))
    plant.use(0.1, 1 / 3)
    assert plant.read("usage.peak") == []


def test_series_that_differ_in_other_labels_are_one_with_the_highest_value(plant):
    for share, pod in ((0.9, "a"), (0.2, "b")):
        series = labels_of({"__name__": "used_ratio", **PLACE, "pod": pod})
        plant.samples.append(pod, milliseconds(plant.clock.now()), [(series, share)])
    plant.forecast.look()
    plant.clock.advance(HOUR)
    plant.forecast.look()
    assert plant.read("usage.peak") == [pytest.approx(0.9)]


def test_a_restart_forgets_nothing(plant):
    plant.weeks(0.5, 0.6)
    expected = plant.read("usage.forecast.peak")
    plant.use(0.9, 1 / 3)
    plant.forecast.close()
    plant.start()
    assert plant.read("usage.forecast.peak") == []
    plant.forecast.look()
    assert plant.read("usage.forecast.peak") == expected == [pytest.approx(0.7)]
    plant.clock.advance(HOUR)
    plant.forecast.look()
    assert plant.read("usage.peak") == [pytest.approx(0.9)]


@pytest.mark.parametrize("broken", [b"", b"garbage", "cut"], ids=("empty", "garbage", "cut short"))
def test_a_file_that_cannot_be_read_begins_again(plant, caplog, broken):
    plant.weeks(0.5, 0.6)
    file = plant.directory.file(FILE)
    file.write_bytes(file.read_bytes()[:-100] if broken == "cut" else broken)
    plant.start()
    plant.forecast.look()
    assert plant.read("usage.forecast.peak") == []
    assert "usage.npz cannot be read" in caplog.text


def test_after_a_long_pause_the_old_weeks_do_not_count(plant):
    plant.weeks(0.5, 0.6)
    plant.clock.advance(3 * 168 * HOUR)
    plant.use(0.1, 2)
    assert plant.read("usage.forecast.peak") == []
    plant.clock.advance(KEPT_HOURS * HOUR)
    plant.forecast.look()
    assert plant.read("usage.peak") == []
    assert plant.read("usage.forecast.days") == [0.0]


def test_a_clock_that_was_put_back_changes_nothing(plant):
    plant.weeks(0.5, 0.6)
    expected = plant.read("usage.forecast.peak")
    plant.clock.advance(-48 * HOUR)
    plant.forecast.look()
    assert plant.read("usage.forecast.peak") == expected


def test_the_number_of_series_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("trimtab.monitoring.usage.history._MAX_SERIES", 2)
    with DataDirectory(tmp_path / "data") as directory:
        history = UsageHistory(directory)
        history.note(1, {(("name", str(number)),): 0.5 for number in range(5)})
        history.note(2, {(("name", "0"),): 0.6})
        assert [dict(key)["name"] for key, _ in history.complete()] == ["0", "1"]
        assert [float(np.nanmax(peaks)) for _, peaks in history.complete()] == [0.5, 0.5]


@pytest.mark.feature("F235")
@pytest.mark.parametrize(
    ("shares", "proposed"),
    [((0.60, 0.645), None), ((0.60, 0.655), 4), ((0.50, 0.65), 4), ((0.3, 0.6), 4)],
)
def test_a_notice_proposes_replicas_before_seventy_per_cent_are_reached(plant, shares, proposed):
    """Three replicas use less than 70 % now; the notice comes if the coming week would not."""
    plant.weeks(*shares)
    (peak,) = plant.read("usage.forecast.peak")
    assert max(plant.read("usage.peak")) < 0.7
    assert (peak > 0.7) == (proposed is not None)
    found = notice(peak)
    rows = forecast_rows(
        {
            "usage.peak": [{"labels": {**PLACE, "series": "s"}, "value": shares[-1]}],
            "usage.forecast.peak": [{"labels": {**PLACE, "series": "s"}, "value": peak}],
            "k8s.replicas.desired": [{"labels": {**PLACE, "kind": "deployment"}, "value": 3.0}],
        }
    )
    if proposed is None:
        assert (found, rows[0]["act"]) == ([], "")
        return
    (alert,) = found
    assert alert.annotations["summary"].endswith(f": {proposed} replicas keep it below.")
    assert (alert.severity, alert.runbook) == ("P3", "usage-forecast")
    assert rows[0]["act"].startswith("trimtab act k8s.scale name=web kind=deployment ")
    assert rows[0]["act"].endswith(f" replicas={proposed}")


def notice(peak):
    """Return the alerts that fire when three replicas of a workload have that forecast."""
    samples = SeriesStore(7200)
    engine = RuleEngine(load_rules([RULES]), samples)
    forecast = {"__name__": "usage_forecast_peak", **PLACE, "series": "k8s_pods_memory_ratio"}
    desired = {"__name__": "k8s_replicas_desired", **PLACE, "kind": "deployment"}
    for minute in range(62):
        at = datetime.fromtimestamp(minute * 60, UTC)
        values = [(labels_of(forecast), peak), (labels_of(desired), 3.0)]
        samples.append("scrape", milliseconds(at), values)
        engine.tick(at)
    return [
        each for each in engine.alerts(AlertState.FIRING) if each.name == "KubernetesScaleAhead"
    ]


def test_what_has_no_replicas_needs_room_and_what_is_unknown_is_not_guessed():
    node = {"cluster": "current", "namespace": "", "name": "node-1", "series": "nodes"}
    fresh = {**PLACE, "series": "pods"}
    rows = forecast_rows(
        {
            "usage.peak": [{"labels": fresh, "value": 0.9}, {"labels": node, "value": 0.6}],
            "usage.forecast.peak": [{"labels": node, "value": 0.71}],
            "k8s.replicas.desired": [],
        }
    )
    assert [(row["name"], row["expected"], row["advice"]) for row in rows] == [
        ("node-1", 0.71, "add room"),
        ("web", None, ""),
    ]
