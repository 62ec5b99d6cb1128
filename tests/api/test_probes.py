"""The probes of the operations documents."""

import io
import json
import logging

import pytest

from tests.faces import client_of
from trimtab.infra.telemetry import configure_logs


@pytest.fixture
def up(app, monkeypatch):
    """Let the test say whether the vector store is up."""
    known = app.knowledge.components()
    state = {**known, "vector_store": True}
    monkeypatch.setattr(type(app.knowledge), "components", lambda _self: state)
    return state


@pytest.mark.feature("F541")
def test_the_heartbeat_is_chromas_and_open_to_everybody(app, up):
    answer = client_of(app, address="192.0.2.7").get("/api/v1/heartbeat")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    up["vector_store"] = False
    answer = client_of(app, address="192.0.2.7").get("/api/v1/heartbeat")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "api.vector_store_down")


def test_healthz_answers_as_qdrant_does(app, up):
    answer = client_of(app, address="192.0.2.7").get("/healthz")
    assert (answer.status_code, answer.text) == (200, "healthz check passed")
    up["vector_store"] = False
    assert client_of(app).get("/healthz").status_code == 503


@pytest.mark.feature("F472")
def test_the_collection_counts_points_and_vectors(app, admin, up):
    admin.post("/api/v1/ingest", json={"project": "p", "name": "a.txt", "text": "The bow."})
    found = admin.get("/collections/documents").json()
    assert found["status"] == "ok"
    assert found["result"]["status"] == "yellow"
    assert (found["result"]["points_count"], found["result"]["vectors_count"]) == (1, 0)
    app.knowledge.encoder.install_and_load()
    app.knowledge.drain()
    assert admin.get("/collections/documents").json()["result"]["status"] == "green"
    up["vector_store"] = False
    assert admin.get("/collections/documents").json()["result"]["status"] == "red"


def test_a_configured_tracing_backend_is_a_component(app_of, monkeypatch):
    app = app_of(answers__otlp_endpoint="http://127.0.0.1:1")
    client = client_of(app)
    assert client.get("/health").json()["langfuse"] == {"connected": True}
    monkeypatch.setattr(app.exporter, "last", type(app.exporter.last)(0, 0, 3, "no"))
    found = client.get("/health").json()["components"]["langfuse"]
    assert (found["status"], found["connected"], found["waiting"]) == ("degraded", True, 3)


def test_a_backend_that_is_not_configured_is_no_component(anonymous):
    assert "langfuse" not in anonymous.get("/health").json()["components"]


def test_a_configured_vector_server_is_named(app_of):
    app = app_of(knowledge__qdrant_url="http://127.0.0.1:1")
    assert "qdrant" in client_of(app).get("/health").json()["components"]


@pytest.mark.parametrize("project", ["there", "not-there"])
def test_a_query_tells_its_mode_whatever_project_it_names(admin, anonymous, project):
    admin.post("/api/v1/projects", json={"name": "there"})
    body = anonymous.get(f"/api/v1/query/{project}", params={"q": "example"}).json()
    assert body["degraded_mode"] is True  # The model is not loaded in tests.


@pytest.mark.feature("F413")
@pytest.mark.parametrize(
    ("profile", "level"), [("upper", b'"level":"ERROR"'), ("lower", b'"level":"error"')]
)
def test_a_log_profile_chooses_how_the_level_is_written(profile, level):
    root = logging.getLogger()
    before, stream = (root.handlers[:], root.level), io.StringIO()
    try:
        configure_logs("INFO", stream, profile=profile)
        logging.getLogger("x").error("broken")
    finally:
        root.handlers[:], root.level = before
    assert level.decode() in stream.getvalue()
    assert json.loads(stream.getvalue())["message"] == "broken"
