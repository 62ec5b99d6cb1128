"""What trimtab's components depend on, and how a diagnosis of its own alerts follows it."""

from contextlib import closing
from datetime import timedelta
from random import Random

import pytest

from tests.faces import client_of
from trimtab.app import build
from trimtab.app.own_system import INSIDE, REQUESTS, OwnComponents, component_of
from trimtab.incidents.model import IncidentAlert
from trimtab.incidents.rca.own import OwnRanking
from trimtab.infra.breaker import CircuitBreaker
from trimtab.infra.settings import load
from trimtab.monitoring.labels import labels_of
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore
from trimtab.monitoring.views import SeriesView


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Build one app for all tests: none of them changes it but for a name of a service outside."""
    flags = {
        "service.data_dir": str(tmp_path_factory.mktemp("own") / "data"),
        "service.rate_limit_per_minute": "0",
        "answers.otlp_endpoint": "http://127.0.0.1:9/v1/traces",
        "answers.generator": "openai",
        "answers.generator_url": "http://127.0.0.1:9/v1",
    }
    with closing(build(load(flags=flags, environment={}))) as app:
        yield app


@pytest.fixture
def own(app):
    return OwnComponents(app.assembly)


def reached(graph, start):
    found, waiting = set(), [start]
    while waiting:
        for name in graph.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def test_every_component_has_signals_and_each_that_others_need_is_in_the_graph(app, own):
    known = {component_of(name) for name in app.catalog.signals} | {REQUESTS}
    named = {*INSIDE, *(name for needed in INSIDE.values() for name in needed)}
    assert named <= known
    graph = own.graph()
    outside = set(app.env.dependencies.states())
    assert {name for needed in graph.values() for name in needed} <= known | outside


@pytest.mark.parametrize(
    ("component", "needs"),
    [
        ("answers", {"knowledge.search", "guardrails"}),
        ("models", {"knowledge.search"}),
        ("review", {"answers", "guardrails"}),
        ("answers.canary", {"answers", "knowledge.search"}),
        ("service.queue", {"review", "notify"}),
    ],
)
def test_a_component_needs_the_domains_that_its_module_was_built_with(own, component, needs):
    assert needs <= set(own.graph()[component])


def test_nothing_that_watches_or_works_beside_the_requests_is_below_them(own):
    below = reached(own.graph(), REQUESTS)
    assert {"knowledge.database", "knowledge.disk", "answers.generator"} <= below
    assert not {name for name in below if name.split(".")[0] in {"incidents", "gates", "review"}}
    assert "answers.export" not in below


def test_services_outside_are_below_the_component_that_calls_them(app, own):
    graph = own.graph()
    assert graph["answers.export"] == ("tracing backend",)
    assert any(name.startswith("generator ") for name in graph["answers.generator"])
    breaker = CircuitBreaker(3, 10.0, app.clock)
    names = ("artifacts", "audit syslog", "channel slack", "engine qdrant", "prometheus")
    app.env.dependencies.include(lambda: dict.fromkeys(names, breaker))
    graph = own.graph()
    callers = {name: {at for at, needed in graph.items() if name in needed} for name in names}
    assert callers == {
        "artifacts": {"models"},
        "audit syslog": {"service"},
        "channel slack": {"notify"},
        "engine qdrant": {"knowledge.engine"},
        "prometheus": {"rules"},
    }


@pytest.mark.parametrize(
    ("labels", "component"),
    [
        ({"__name__": "http_requests_total"}, "requests"),
        ({"__name__": "http_p99_latency_normal_days"}, "service.response"),
        ({"__name__": "answers_given_total"}, "answers"),
        ({"__name__": "answers_generator_failures_total"}, "answers.generator"),
        ({"__name__": "kb_component_up", "component": "embedding_model"}, "knowledge.embedding"),
        ({"__name__": "kb_component_up", "component": "qdrant"}, "knowledge.engine"),
        ({"__name__": "db_connections", "database": "knowledge.db"}, "knowledge.database"),
        ({"__name__": "db_connections", "database": "state.db"}, "service.database"),
        ({"__name__": "service_dependency_breaker", "dependency": "engine x"}, "engine x"),
        ({"__name__": "process_open_fds"}, ""),
    ],
)
def test_a_series_belongs_to_the_component_that_publishes_it(own, labels, component):
    assert own.node_of(labels) == component


def test_every_alert_of_the_shipped_rules_reads_a_known_component(app, own):
    known = {component_of(name) for name in app.catalog.signals} | {REQUESTS}
    cluster = {name for name in app.monitoring.alert_names if name.startswith("Kubernetes")}
    for name in app.monitoring.alert_names - cluster:
        assert set(own.read_by(name)) <= known
        assert own.read_by(name), name
    assert own.read_by("KnowledgeSearchSlow") == ("knowledge.search",)
    assert own.read_by("NoSuchAlert") == ()


def test_a_slow_request_is_followed_to_the_component_that_moved(app, own):
    """Traces wait for another reason, and by more."""
    store, rng, now = SeriesStore(4 * 3600), Random(2), app.clock.now()
    usual = {"http_latency_requests": 100, "kb_disk_used_ratio": 0.4}
    moved = {
        "http_p99_latency_ms": (200, 900),
        "kb_query_p95_latency_seconds": (0.05, 0.8),
        "kb_embedding_p95_seconds": (0.02, 0.7),
        "answers_export_waiting": (5, 90000),
    }
    for number in range(480, -1, -1):
        values = {name: before for name, (before, _) in moved.items()} | usual
        if number <= 40:
            values |= {name: during for name, (_, during) in moved.items()}
        pairs = [
            (labels_of({"__name__": name}), value * (1 + rng.random() / 50))
            for name, value in values.items()
        ]
        store.append("scrape", milliseconds(now - timedelta(seconds=15 * number)), pairs)
    alert = IncidentAlert("1", "ServiceSlow", {}, {}, 1.0, now)
    view, begun = SeriesView(store, frozenset()), now - timedelta(minutes=10)
    assert OwnRanking(view, app.clock)(alert, begun).cause == "answers"
    found = OwnRanking(view, app.clock, own)(alert, begun)
    assert found.cause == "knowledge.embedding"
    path = "ServiceSlow -> requests -> knowledge.search -> knowledge.embedding"
    assert found.nodes[0].evidence.endswith(path)


def test_the_api_tells_what_each_component_needs_and_what_needs_it(app):
    found = client_of(app).get("/v1/dependencies").json()["components"]
    by_name = {each["name"]: each for each in found}
    assert "knowledge.embedding" in by_name["knowledge.search"]["needs"]
    assert "knowledge.search" in by_name["knowledge.embedding"]["needed_by"]
    assert by_name["knowledge.gpu"]["needs"] == []
