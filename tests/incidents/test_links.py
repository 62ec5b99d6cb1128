"""Links from an incident to the team's tools carry the time of the incident."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from promql_parser import VectorSelector, parse

from tests.incidents.records import START, drift_incident
from trimtab.incidents.links import tool_links
from trimtab.infra.settings.sections.tools import ToolsSettings

TOOLS = ToolsSettings(
    grafana_url="https://grafana.example/",
    prometheus_url="https://prometheus.example/p",
    jaeger_url="https://jaeger.example",
    sentry_url="https://sentry.example/issues/?project=1",
)
LATER = START + timedelta(hours=5)


def linked(incident, now=LATER, tools=TOOLS):
    return {each.tool: urlsplit(each.url) for each in tool_links(incident, tools, now)}


def asked(link):
    return {name: values[0] for name, values in parse_qs(link.query).items()}


@pytest.mark.feature("F738")
def test_each_tool_shows_the_time_of_the_incident():
    incident = drift_incident()
    ended = replace(incident.episode, resolved_at=START + timedelta(hours=1))
    found = linked(replace(incident, episode=ended))
    begin = int((START - timedelta(minutes=30)).timestamp())
    end = int((START + timedelta(minutes=70)).timestamp())
    assert found["Grafana"].geturl().startswith("https://grafana.example/d/trimtab-platform?")
    assert asked(found["Grafana"]) == {"from": f"{begin}000", "to": f"{end}000"}
    assert found["Jaeger"].path == "/search"
    times = {"start": f"{begin}000000", "end": f"{end}000000"}
    assert asked(found["Jaeger"]) == {"service": "trimtab", "lookback": "custom", **times}
    assert found["Prometheus"].path == "/p/graph"
    graph = asked(found["Prometheus"])
    assert graph["g0.expr"] == f'ALERTS{{alertname="{incident.alert.name}"}}'
    assert graph["g0.range_input"] == f"{end - begin}s"
    assert found["Sentry"].path == "/issues/"
    assert asked(found["Sentry"])["project"] == "1"
    assert asked(found["Sentry"])["start"] == f"{START - timedelta(minutes=30):%Y-%m-%dT%H:%M:%S}"


@pytest.mark.parametrize("name", ['Disk "full"', "C:\\full", "two\nlines", 'x"} or ALERTS{a="'])
def test_the_alert_of_the_link_is_quoted(name):
    incident = drift_incident()
    first = incident.alerts[0]
    named = replace(first, alert=replace(first.alert, name=name))
    expression = asked(linked(replace(incident, alerts=(named,)))["Prometheus"])["g0.expr"]
    selector = parse(expression)
    assert isinstance(selector, VectorSelector)
    assert [(each.name, each.value) for each in selector.matchers.matchers] == [("alertname", name)]


def test_an_open_incident_is_shown_until_now():
    now = START + timedelta(minutes=5)
    assert asked(linked(drift_incident(), now)["Grafana"])["to"] == f"{int(now.timestamp())}000"


@pytest.mark.parametrize(
    ("system", "uid"),
    [
        ("KB", "knowledgebeast-overview"),
        ("ENT", "trimtab-answers"),
        ("HYB", "trimtab-platform"),
        ("AOPS", "trimtab-platform"),
    ],
)
def test_the_dashboard_is_that_of_the_system(system, uid):
    assert linked(replace(drift_incident(), system=system))["Grafana"].path == f"/d/{uid}"


def test_a_tool_without_an_address_is_not_linked():
    assert linked(drift_incident(), tools=ToolsSettings()) == {}
    assert set(linked(drift_incident(), tools=ToolsSettings(jaeger_url="http://j"))) == {"Jaeger"}
