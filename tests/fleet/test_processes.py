"""Real processes on a real PostgreSQL: changes reach both, and one replaces the other when it is killed or frozen."""

import signal

import pytest

from tests.fleet.processes import Fleet, wait_until
from tests.processes import models, run  # noqa: F401 - fixtures.

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def fleet(postgres, tmp_path, models):  # noqa: F811 - a fixture.
    made = Fleet(tmp_path, postgres.server().url, models)
    made.start("a")
    made.start("b")
    yield made
    made.close()


def metric(fleet, name, metric_name):
    lines = fleet.call(name, "GET", "/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{metric_name} ")).split()[-1])


@pytest.mark.feature("F561")
def test_what_changes_in_one_process_holds_in_the_other_and_survives_its_kill(fleet):
    listed = run(fleet.services["b"].data_dir, "fleet")
    assert listed.code == 0, listed.err
    assert [word for word in listed.out.split() if word in ("leads", "live", "lost")] == [
        "leads",
        "live",
    ]
    assert fleet.leader("b") == fleet.id_of("a")

    key = fleet.call("a", "POST", "/v1/keys", json={"name": "ci", "role": "reader"}).json()["key"]
    headers = {"authorization": f"Bearer {key}"}
    assert fleet.call("b", "GET", "/api/v1/projects", headers=headers).status_code == 200
    fleet.call("a", "DELETE", "/v1/keys/ci").raise_for_status()
    assert fleet.call("b", "GET", "/api/v1/projects", headers=headers).status_code == 401

    act = {"arguments": {"duration": "10m"}, "approve": True}
    fleet.call("a", "POST", "/v1/actions/guardrails.bypass", json=act).raise_for_status()
    wait_until(lambda: metric(fleet, "b", "guardrail_bypass_active") == 1.0, 15)

    ship = {"project": "sea", "name": "eels.md", "text": "Eels swim to the Sargasso Sea."}
    fleet.call("a", "POST", "/api/v1/ingest", json=ship).raise_for_status()

    fleet.signal("a", signal.SIGKILL)
    found = fleet.call("b", "GET", "/api/v1/search/sea", params={"q": "Where do eels swim?"}).json()
    assert [each["document_name"] for each in found["passages"]] == ["eels.md"]
    assert wait_until(lambda: fleet.leader("b") == fleet.id_of("b")) <= 40
    wait_until(lambda: len(fleet.look("b")["processes"]) == 1)
    assert metric(fleet, "b", "guardrail_bypass_active") == 1.0
    assert fleet.start("c")
    assert metric(fleet, "c", "guardrail_bypass_active") == 1.0


def test_an_erasure_waits_for_a_frozen_process_until_it_is_lost_and_it_refuses_calls_when_it_goes_on(
    fleet,
):
    frozen = fleet.id_of("b")
    fleet.signal("b", signal.SIGSTOP)
    path = fleet.call("a", "DELETE", "/api/v1/users/anna/data").json()

    def found():
        return fleet.call("a", "GET", f"/api/v1/erasures/{path['id']}").json()

    assert found()["state"] == "running"
    assert wait_until(lambda: found()["state"] == "done", 90) > 10
    states = {each["id"]: each["is_live"] for each in fleet.look("a")["processes"]}
    assert not states.get(frozen, False)
    fleet.signal("b", signal.SIGCONT)
    answer = fleet.call("b", "GET", "/api/v1/projects")
    assert answer.status_code in (200, 503)
    wait_until(lambda: fleet.call("b", "GET", "/api/v1/projects").status_code == 200)


def test_a_frozen_leader_is_replaced_and_does_not_lead_when_it_goes_on(fleet):
    fleet.signal("a", signal.SIGSTOP)
    assert wait_until(lambda: fleet.leader("b") == fleet.id_of("b")) <= 45
    fleet.signal("a", signal.SIGCONT)
    wait_until(lambda: len([p for p in fleet.look("a")["processes"] if p["is_live"]]) == 2)
    assert fleet.leader("a") == fleet.id_of("b")
