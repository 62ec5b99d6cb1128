"""A whole app on a disk that is really full: it answers, says why it refuses, and loses nothing it acknowledged."""

import os

import pytest
from starlette.testclient import TestClient

from tests.app.personal import build_app
from tests.full_disk import fill, small_file_system

NOTE = "# Note\n\nThe gate code of this house is 4711."


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 100 MB: the model takes about a third of it."""
    with small_file_system(tmp_path / "disk", megabytes=100) as mount:
        yield mount


@pytest.fixture
def service(small_disk):
    """A running app with one document, and a client of it."""
    app = build_app(small_disk / "data")
    app.knowledge.start()
    client = TestClient(
        app.http_apps.control, base_url="http://localhost", raise_server_exceptions=False
    )
    body = {"project": "notes", "name": "note.md", "text": NOTE}
    assert client.post("/api/v1/ingest", json=body).is_success
    yield app, client, small_disk
    (small_disk / "ballast").unlink(missing_ok=True)
    app.close()


def ask(client, question="What is the gate code of this house?"):
    return client.post("/api/v1/query", json={"project": "notes", "query": question})


def test_health_answers_on_a_full_disk_and_names_the_cause_and_the_next_step(service):
    _, client, disk = service
    fill(disk)
    answer = client.get("/health")
    found = answer.json()["components"]["disk"]
    assert (answer.status_code, found["status"]) == (200, "down")
    assert "is full" in found["error"]
    assert "knowledge.disk.clean_up" in found["error"]
    assert client.get("/metrics").status_code == 200


def test_on_a_full_disk_a_question_is_answered_or_refused_with_the_next_step(service):
    _, client, disk = service
    fill(disk)
    for number in range(5):
        answer = ask(client, f"What is the gate code of house {number}?")
        if answer.is_success:
            assert answer.json()["found"] in (True, False)
            continue
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (507, "storage.full")
        assert "Free some space" in error["hint"]


def test_reads_go_on_and_what_was_acknowledged_is_there_after_the_disk_was_emptied(service):
    app, client, disk = service
    acknowledged = ["note.md"]
    fill(disk)
    for number in range(5):
        body = {"project": "notes", "name": f"n{number}.md", "text": f"{NOTE} {number}" * 500}
        answer = client.post("/api/v1/ingest", json=body)
        if answer.is_success:
            acknowledged.append(body["name"])
        else:
            assert answer.json()["error"]["code"] == "storage.full"
    assert app.knowledge.search("notes", "gate code").passages
    (disk / "ballast").unlink()
    assert ask(client).json()["found"]
    assert {found.name for found in app.knowledge.documents.list("notes")} == set(acknowledged)
    assert app.knowledge.maintenance.check().ok


def test_the_clean_up_runs_over_http_on_a_full_disk_and_is_audited(service):
    app, client, disk = service
    old = disk / "data" / "logs" / "ancient.log"
    old.parent.mkdir(exist_ok=True)
    old.write_bytes(os.urandom(3_000_000))
    os.utime(old, (0, 0))
    fill(disk)
    answer = client.post(
        "/v1/actions/knowledge.disk.clean_up", json={"arguments": {}, "approve": True}
    )
    assert answer.is_success, answer.text
    assert answer.json()["facts"]["measured_bytes"] >= 3_000_000
    assert app.audit.recent(1)[0].subject == "knowledge.disk.clean_up"
