"""The tools of the settings are linked on the page of an incident and in the command line."""

import httpx
import pytest

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.


@pytest.mark.feature("F738")
def test_an_incident_shows_the_links_of_the_tools(serve, command):
    service = serve("--set", "tools.grafana_url=http://grafana.example")
    declared = command("incidents", "declare", "Slow searches", "--json")
    assert declared.code == 0, declared.err
    name = declared.json["id"]
    shown = command("incidents", "show", name)
    assert "Grafana: http://grafana.example/d/" in shown.out
    assert [
        each["tool"] for each in command("incidents", "show", name, "--json").json["links"]
    ] == ["Grafana"]
    page = httpx.get(f"{service.url}/console/incidents/{name}")
    assert 'href="http://grafana.example/d/' in page.text
    assert httpx.get(f"{service.url}/v1/incidents/INC-1/links").status_code == 404
