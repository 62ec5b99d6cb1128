import pytest

from tests.faces import client_of
from trimtab.kernel.health import ComponentHealth, Status


@pytest.mark.feature("F399", "F400")
def test_every_component_says_both_connected_and_status(anonymous):
    body = anonymous.get("/health").json()
    assert {"database", "embedding_model", "vector_store", "monitor"} <= set(body["components"])
    for name, found in body["components"].items():
        assert found["connected"] is (found["status"] != "down")
        assert body[name] == {"connected": found["connected"]}


@pytest.mark.feature("F648")
def test_a_component_that_is_down_says_why_and_the_service_is_degraded(app, anonymous):
    app.health.register("gpu", lambda: ComponentHealth(Status.DOWN, "Model file not found"))
    answer = anonymous.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    gpu = answer.json()["components"]["gpu"]
    assert (gpu["status"], gpu["connected"], gpu["error"]) == (
        "down",
        False,
        "Model file not found",
    )


@pytest.mark.feature("F516")
def test_the_vector_store_is_found_by_the_documents_name_and_answers_within_50_ms(anonymous):
    found = anonymous.get("/health").json()["components"]["chromadb"]
    assert (found["status"], found["connected"]) == ("up", True)
    assert found["latency_ms"] < 50


@pytest.mark.feature("F536", "F537", "F609")
def test_a_lost_vector_store_is_down_with_its_breaker_open(app, anonymous):
    app.knowledge.indexes.breaker.trip()
    found = anonymous.get("/health").json()["components"]["chromadb"]
    assert (found["status"], found["breaker"]) == ("down", "open")
    assert found["error"]


def test_a_service_of_which_nothing_is_up_answers_503(app, anonymous, monkeypatch):
    found = {"database": ComponentHealth(Status.DOWN, "gone")}
    monkeypatch.setattr(type(app.health), "check", lambda _self: found)
    assert anonymous.get("/health").status_code == 503


@pytest.mark.feature("F160", "F161")
def test_system_health_answers_a_bearer_key(app, admin):
    for path in ("/v1/system/health", "/v1/system/health/components"):
        assert client_of(app, key="tt_no_such_key").get(path).status_code == 401
    assert admin.get("/v1/system/health").json()["components"]
    assert admin.get("/v1/system/health/components").json()["database"]["status"] == "up"


def test_the_interface_describes_itself(anonymous):
    paths = anonymous.get("/openapi.json").json()["paths"]
    assert {"/health", "/v1/signals", "/v1/actions/{name}"} <= set(paths)
    assert not any(path.startswith("/v1/faults") for path in paths)
