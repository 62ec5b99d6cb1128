"""The ranking on an incident's own time: trimtab's samples, and those of a Prometheus server."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from tests.incidents.operator import make_operator, until
from trimtab.incidents import State
from trimtab.incidents.diagnose import investigate
from trimtab.incidents.errors import AlertsFileRefused
from trimtab.incidents.intake.config import load_config
from trimtab.incidents.rca.live import LiveRanking, ranking_text
from trimtab.incidents.rca.ranking import CauseRanking, RankedNode
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


def test_the_first_three_nodes_are_named():
    nodes = tuple(RankedNode(name, 1.0, f"{name} heat moved") for name in "abcd")
    text = ranking_text(CauseRanking(nodes, "ensemble"))
    assert text == "a (a heat moved); b (b heat moved); c (c heat moved)"


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


@pytest.mark.feature("F347")
def test_an_incident_from_outside_is_ranked_on_the_server(operator):
    server = Server(("cart", lambda left: 50 if left < 15 else 2), ("pay", lambda _: 3))
    found = on_server(operator, server, alertname="Slow", namespace='shop"1\n')
    assert found.cause == "cart"
    assert server.asked[0] == '{namespace="shop\\"1\\n"}'


@pytest.mark.parametrize(("before", "cause"), [(999, "cart"), (1000, "")])
def test_a_thousand_series_are_compared(operator, before, cause):
    flat = [(f"flat{number}", lambda _: 3) for number in range(before)]
    server = Server(*flat, ("cart", lambda left: 50 if left < 15 else 2))
    assert on_server(operator, server, job="x").cause == cause


def test_an_alert_dated_in_the_future_began_now(operator):
    server, ahead = Server(("pay", lambda _: 3)), operator.clock.now() + timedelta(hours=2)
    alert = fired(operator, source="prometheus", labels={"job": "x"}, fired_at=ahead)
    found = LiveRanking(samples(operator.clock), server, operator.clock)(alert)
    assert server.asked
    assert found.cause == ""


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


@pytest.mark.feature("F350")
def test_an_incident_that_no_runbook_explains_gets_the_ranking(operator):
    ranking = LiveRanking(samples(operator.clock), None, operator.clock)
    object.__setattr__(operator.context, "ranking", ranking)
    operator.world.put(level=1)
    incident = until(operator, operator.fire(), State.ESCALATED)
    gathered = incident.episode.diagnosis.gathered
    assert "metrics that moved since it began" in gathered
    assert incident.episode.root_cause == ranking(incident).cause == "pump"
    assert (
        "metrics that moved since it began" not in investigate(operator.context, incident).gathered
    )


# --- with a dependency graph --------------------------------------------------------------------

GRAPH = {"web": ("cart", "pay"), "cart": ("db",)}


def usual(_):
    return 3


def moved(by):
    return lambda left: 3 + by if left < 15 else 3


class Metrics(Server):
    """A server that also knows labels and names of metrics, and the edges of a service graph."""

    def __init__(self, *series, edges=(), error=None):
        super().__init__(*series)
        self.edges, self.graph_error = edges, error

    def history(self, expression, end, window, step):
        if "traces_service_graph" not in expression:
            return super().history(expression, end, window, step)
        self.asked.append(expression)
        if self.graph_error:
            raise self.graph_error
        count = round(window.total_seconds() / step)
        begin = end.timestamp() - step * count
        found = []
        for client, server, seconds in self.edges:
            if seconds is None:  # The edge is known, and no duration.
                labels = {"__name__": "traces_service_graph_request_total"}
                labels |= {"client": client, "server": server}
                points = tuple((begin + step * n, 100.0 * n) for n in range(count + 1))
                found.append(RangeSeries(labels, points))
                continue
            total, spent, sums = 0.0, 0.0, []
            counts = []
            for n in range(count + 1):
                total += 100 + n % 3
                spent += (100 + n % 3) * (seconds(count - n) + n % 5 / 1000)
                counts.append((begin + step * n, total))
                sums.append((begin + step * n, spent))
            for part, points in (("count", counts), ("sum", sums)):
                name = f"traces_service_graph_request_server_seconds_{part}"
                labels = {"__name__": name, "client": client, "server": server}
                found.append(RangeSeries(labels, tuple(points)))
        return tuple(found)


def with_graph(operator, server, graph=None, **labels):
    given = {"alertname": "Slow", "namespace": "shop", "service": "web", **labels}
    ranking = LiveRanking(samples(operator.clock), server, operator.clock, graph)
    return ranking(fired(operator, source="prometheus", labels=given))


STRAY = (("web", moved(50)), ("cart", moved(40)), ("db", moved(30)), ("mail", moved(900)))


def test_without_a_graph_what_moved_most_is_first(operator):
    assert with_graph(operator, Metrics(*STRAY)).cause == "mail"


def test_a_configured_graph_leads_from_the_alert_to_its_cause(operator):
    server = Metrics(*STRAY)
    found = with_graph(operator, server, {**GRAPH, "post": ("mail",)})
    assert [each.node for each in found.nodes] == ["db", "web", "cart", "mail"] or [
        each.node for each in found.nodes
    ] == ["db", "cart", "web", "mail"]
    assert found.nodes[0].evidence.endswith("times its spread; web -> cart -> db")
    assert len(server.asked) == 1


def test_a_node_that_is_as_usual_is_not_passed(operator):
    series = (("web", moved(50)), ("cart", usual), ("db", moved(30)))
    assert with_graph(operator, Metrics(*series), GRAPH).cause == "web"


def test_a_node_without_metrics_is_passed(operator):
    series = (("web", moved(50)), ("db", moved(30)))
    assert with_graph(operator, Metrics(*series), GRAPH).cause == "db"


def test_a_node_outside_of_the_graph_may_be_the_cause_when_nothing_below_moved(operator):
    series = (("web", usual), ("cart", usual), ("node7", moved(30)))
    assert with_graph(operator, Metrics(*series), GRAPH).cause == "node7"


def test_what_the_alerts_node_does_not_depend_on_is_not_its_cause(operator):
    series = (("web", usual), ("cart", usual), ("mail", moved(30)))
    found = with_graph(operator, Metrics(*series), {**GRAPH, "post": ("mail",)})
    assert found.cause == ""
    assert found.abstained_because == "only mail moved, which web does not depend on"


def test_a_circle_of_nodes_that_moved_names_the_one_that_moved_most(operator):
    series = (("web", moved(9)), ("cart", moved(90)), ("db", usual))
    found = with_graph(operator, Metrics(*series), {"web": ("cart",), "cart": ("web", "db")})
    assert found.cause == "cart"


def test_an_alert_of_a_node_that_the_graph_lacks_is_ranked_without_it(operator):
    found = with_graph(operator, Metrics(*STRAY), GRAPH, service="other")
    assert (found.cause, found.method) == ("mail", "ensemble")


def slower(left):
    return 0.5 if left < 15 else 0.05


def even(_):
    return 0.05


EDGES = (("user", "web", slower), ("web", "cart", slower), ("cart", "db", slower))


def test_a_service_graph_of_the_server_is_followed_by_what_each_callee_adds(operator):
    server = Metrics(("mail", moved(900)), edges=(*EDGES, ("web", "pay", even)))
    found = with_graph(operator, server)
    assert (found.cause, found.method) == ("db", "contribution")
    assert "s a request of web" in found.nodes[0].evidence
    assert 'traces_service_graph_request_.+",client!="",server!=""' in server.asked[1]


def test_where_requests_end_the_metrics_that_moved_are_followed(operator):
    """The database measures no requests: that the cart is slow does not make the cart the cause."""
    server = Metrics(("db", moved(30)), edges=(*EDGES[:2], ("cart", "db", None)))
    found = with_graph(operator, server)
    assert (found.cause, found.method) == ("db", "traversal")
    assert found.nodes[0].evidence.endswith("web -> cart -> db")


def test_a_server_without_a_service_graph_is_ranked_without_one(operator):
    server = Metrics(*STRAY, error=EvaluationFailed("The answer is partial."))
    assert with_graph(operator, server).cause == "mail"


def test_the_file_of_alerts_holds_the_graph(tmp_path):
    file = tmp_path / "alerts.yaml"
    file.write_text("dependencies:\n  web: [cart, pay]\n  cart: db\n  db:\n")
    expected = {"web": ("cart", "pay"), "cart": ("db",), "db": ()}
    assert load_config(str(file)).dependencies == expected
    assert load_config().dependencies == {}


@pytest.mark.parametrize("text", ["dependencies: [web]", "dependencies: {web: 3}"])
def test_a_graph_in_another_form_is_refused(tmp_path, text):
    file = tmp_path / "alerts.yaml"
    file.write_text(text)
    with pytest.raises(AlertsFileRefused):
        load_config(str(file))
