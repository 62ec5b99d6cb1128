"""The ranking of trimtab's own components, led by what they depend on."""

from datetime import timedelta
from random import Random

import pytest

from trimtab.incidents.model import IncidentAlert
from trimtab.incidents.rca.own import OwnRanking
from trimtab.monitoring.labels import labels_of
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore
from trimtab.monitoring.views import SeriesView
from trimtab.testing.clock import FakeClock


class Pumps:
    """A pump that needs a valve; a horn that nothing needs. The component is a metric's first word."""

    def graph(self):
        return {"pump": ("valve",), "pier": ("horn",)}

    def node_of(self, labels):
        return labels["__name__"].partition("_")[0]

    def read_by(self, alert):
        return ("pump",) if alert == "PumpFailing" else ()


class Samples:
    """Counts how often the samples were read."""

    def __init__(self, view):
        self._view, self.read = view, 0

    def latest(self, *arguments):
        self.read += 1
        return self._view.latest(*arguments)


CLOCK = FakeClock()
BEGUN = CLOCK.now() - timedelta(minutes=10)
USUAL = {"pump_heat": 30, "valve_angle": 10, "horn_noise": 5}


def samples(moved, usual=USUAL):
    """Return two hours of samples; what moved is ten times as much for the last ten minutes."""
    store, rng = SeriesStore(4 * 3600), Random(2)
    for number in range(480, -1, -1):
        pairs = [
            (
                labels_of(name if isinstance(name, dict) else {"__name__": name}),
                value * (10 if number <= 40 and name in moved else 1) * (1 + rng.random() / 50),
            )
            for name, value in (usual.items() if isinstance(usual, dict) else usual)
        ]
        at = CLOCK.now() - timedelta(seconds=15 * number)
        store.append("scrape", milliseconds(at), pairs)
    return Samples(SeriesView(store, frozenset()))


def ranked(view, name="PumpFailing", **labels):
    alert = IncidentAlert("1", name, labels, {}, 1.0, CLOCK.now())
    return OwnRanking(view, CLOCK, Pumps())(alert, BEGUN)


def test_the_search_goes_from_what_the_rule_reads_to_what_it_needs():
    found = ranked(samples({"pump_heat", "valve_angle", "horn_noise"}))
    assert (found.cause, found.method) == ("valve", "traversal")
    assert found.nodes[0].evidence.endswith("PumpFailing -> pump -> valve")
    assert found.nodes[-1].node == "horn"


def test_a_component_of_which_nothing_below_moved_is_the_cause_itself():
    assert ranked(samples({"pump_heat", "horn_noise"})).cause == "pump"


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_no_more_series_are_compared_than_the_limit(monkeypatch, limit):
    monkeypatch.setattr("trimtab.incidents.rca.own.MAX_SERIES", limit)
    assert len(ranked(samples({"pump_heat"}), "OtherAlert").nodes) == limit


def test_what_the_alert_does_not_need_is_not_its_cause():
    found = ranked(samples({"horn_noise"}))
    assert found.cause == ""
    assert found.abstained_because == "only horn moved, which PumpFailing does not depend on"


def test_an_alert_of_which_no_rule_is_known_is_ranked_by_what_moved():
    found = ranked(samples({"horn_noise"}), "Unknown")
    assert (found.cause, found.method) == ("horn", "ensemble")


@pytest.mark.parametrize(("model", "cause"), [("a", "valve"), ("b", "pump"), ("", "valve")])
def test_what_another_model_does_explains_nothing(model, cause):
    names = [{"__name__": "valve_angle", "model": "a"}, "pump_heat"]
    view = samples(names, [(name, 10) for name in names])
    assert ranked(view, **({"model": model} if model else {})).cause == cause


def test_buckets_keep_no_other_series_out(monkeypatch):
    monkeypatch.setattr("trimtab.incidents.rca.own.MAX_SERIES", 3)
    buckets = [({"__name__": "a_bucket", "le": str(n)}, 1) for n in range(3)]
    assert ranked(samples(["pump_heat"], [*buckets, *USUAL.items()])).cause == "pump"


def test_alerts_that_begin_in_the_same_minute_read_the_samples_once():
    view = samples({"pump_heat", "valve_angle", "horn_noise"})
    ranking = OwnRanking(view, CLOCK, Pumps())
    alerts = [
        IncidentAlert("1", name, {}, {}, 1.0, CLOCK.now()) for name in ("PumpFailing", "Unknown")
    ]
    first = ranking(alerts[0], BEGUN)
    read = view.read
    second = ranking(alerts[1], BEGUN + timedelta(seconds=59.9))
    assert view.read == read > 0
    assert (first.method, second.method) == ("traversal", "ensemble")
    ranking(alerts[0], BEGUN + timedelta(minutes=1))
    assert view.read > read


def test_the_samples_are_read_again_when_a_minute_has_passed():
    view, clock = samples({"pump_heat"}), FakeClock()
    ranking = OwnRanking(view, clock, Pumps())
    alert = IncidentAlert("1", "PumpFailing", {}, {}, 1.0, CLOCK.now())
    reads = []
    for seconds in (0, 59.9, 0.1):
        clock.advance(seconds)
        ranking(alert, BEGUN)
        reads.append(view.read)
    assert reads[0] == reads[1] < reads[2]
