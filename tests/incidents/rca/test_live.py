"""The ranking on an incident's own time: trimtab's samples, and those of a Prometheus server."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from tests.incidents.operator import make_operator, until
from trimtab.incidents import State
from trimtab.incidents.diagnose import investigate
from trimtab.incidents.rca.live import LiveRanking, ranking_text
from trimtab.monitoring.errors import EvaluationFailed
from trimtab.monitoring.labels import labels_of
from trimtab.monitoring.prometheus.client import RangeSeries
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore
from trimtab.monitoring.views import SeriesView


@pytest.fixture
def operator(tmp_path):
    return make_operator(tmp_path)


def samples(clock, *, moved=True):
    """Return two hours of samples; the pump's heat rises for the last ten minutes, and a counter goes on as before."""
    store, rng, now = SeriesStore(4 * 3600), Random(2), clock.now()
    for number in range(480, -1, -1):
        at = now - timedelta(seconds=15 * number)
        hot = moved and number <= 40
        batch = {
            "pump_heat": (90 if hot else 30) + rng.random(),
            "tank_level": 5 + rng.random(),
            "tank_litres_total": (480 - number) * 3 + rng.random(),
            "tank_time_bucket": 500.0 if hot else 1.0,
        }
        pairs = [(labels_of({"__name__": name}), value) for name, value in batch.items()]
        store.append("scrape", milliseconds(at), pairs)
    return SeriesView(store, frozenset())


def fired(operator, **changes):
    """Return an incident whose condition began ten minutes ago."""
    incident = operator.fire()
    first = incident.alerts[0]
    alert = replace(first.alert, pending_seconds=600.0, **changes)
    return replace(incident, alerts=(replace(first, alert=alert),))


def test_the_domain_whose_metric_moved_is_first(operator):
    ranking = LiveRanking(samples(operator.clock), None, operator.clock)(fired(operator))
    assert ranking.cause == "pump"
    assert ranking_text(ranking).startswith("pump (pump heat moved by ")


def test_a_counter_that_no_longer_grows_has_moved(operator):
    store, rng, now = SeriesStore(4 * 3600), Random(2), operator.clock.now()
    sold = 0.0
    for number in range(1440, -1, -1):
        sold += 0 if number <= 120 else 3 + rng.random()
        batch = {"shop_sold_total": sold, "tank_level": 5 + rng.random()}
        pairs = [(labels_of({"__name__": name}), value) for name, value in batch.items()]
        store.append("scrape", milliseconds(now - timedelta(seconds=5 * number)), pairs)
    view = SeriesView(store, frozenset())
    assert LiveRanking(view, None, operator.clock)(fired(operator)).cause == "shop"


def test_nothing_is_named_when_nothing_moved(operator):
    ranking = LiveRanking(samples(operator.clock, moved=False), None, operator.clock)
    found = ranking(fired(operator))
    assert found.cause == ""
    assert ranking_text(found).startswith("no cause named: no metric has moved for good")


def test_nothing_is_named_without_samples(operator):
    view = SeriesView(SeriesStore(3600), frozenset())
    found = LiveRanking(view, None, operator.clock)(fired(operator))
    assert found.abstained_because == "no metric of this system is known"


class Server:
    """Answers every range with the series it was given, and remembers what it was asked."""

    def __init__(self, *series, error=None):
        self.series, self.error, self.asked = series, error, []

    def history(self, expression, end, window, step):
        self.asked.append(expression)
        if self.error:
            raise self.error
        count = round(window.total_seconds() / step)
        begin = end.timestamp() - step * count
        return tuple(
            RangeSeries(
                {"__name__": "latency", "service": name},
                tuple((begin + step * n, level(count - n) + n % 3 / 10) for n in range(count + 1)),
            )
            for name, level in self.series
        )


def on_server(operator, server, **labels):
    ranking = LiveRanking(samples(operator.clock), server, operator.clock)
    return ranking(fired(operator, source="prometheus", labels=labels))


def test_an_incident_from_outside_is_ranked_on_the_server(operator):
    server = Server(("cart", lambda left: 50 if left < 15 else 2), ("pay", lambda _: 3))
    found = on_server(operator, server, alertname="Slow", namespace='shop"1')
    assert found.cause == "cart"
    assert server.asked == ['{namespace="shop\\"1"}']


@pytest.mark.parametrize(
    ("server", "labels", "reason"),
    [
        (None, {"job": "x"}, "no server with metrics"),
        (Server(), {"alertname": "Slow"}, "no label that names its system"),
        (Server(error=EvaluationFailed("The answer is partial.")), {"job": "x"}, "cannot be read"),
        (Server(), {"job": "x"}, "no metric of this system"),
    ],
)
def test_what_cannot_be_compared_names_no_cause(operator, server, labels, reason):
    found = on_server(operator, server, **labels)
    assert found.cause == ""
    assert reason in found.abstained_because


def test_an_incident_that_no_runbook_explains_gets_the_ranking(operator):
    ranking = LiveRanking(samples(operator.clock), None, operator.clock)
    object.__setattr__(operator.context, "ranking", ranking)
    operator.world.put(level=1)
    incident = until(operator, operator.fire(), State.ESCALATED)
    gathered = incident.episode.diagnosis.gathered
    assert "metrics that moved since it began" in gathered
    assert (
        "metrics that moved since it began" not in investigate(operator.context, incident).gathered
    )
