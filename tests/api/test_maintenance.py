"""Maintenance mode: reads, alerts and health go on; writes and questions get 503 with the message."""

import pytest

from tests.faces import client_of
from trimtab.infra.auth import Role
from trimtab.infra.maintenance import DEFAULT_MESSAGE, MaintenanceState
from trimtab.infra.scheduler import Scheduler

ASKED = {"project": "yard", "question": "When does it open?"}
TEXT = {"project": "yard", "name": "open.txt", "text": "The shipyard opens at seven."}


def key(app, name, role):
    return client_of(app, key=app.keys.create(name, role, actor="test"))


@pytest.fixture
def reader(app, admin):
    admin.post("/api/v1/ingest", json=TEXT)
    return key(app, "reader", Role.READER)


@pytest.fixture
def operator(app):
    return key(app, "operator", Role.OPERATOR)


@pytest.mark.feature("F284")
@pytest.mark.feature("F285")
def test_questions_and_writes_are_refused_with_the_default_message(reader, operator):
    assert operator.put("/v1/maintenance", json={"on": True}).json()["on"] is True
    refused = reader.post("/v1/answers", json=ASKED)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "300")
    assert refused.json()["error"]["message"] == "System maintenance in progress"
    assert reader.get("/api/v1/query/yard", params={"q": "When?"}).status_code == 503
    assert reader.post("/api/v1/ingest", json=TEXT).status_code == 503
    operator.put("/v1/maintenance", json={"on": False})
    assert reader.post("/v1/answers", json=ASKED).status_code == 200


def test_reads_health_and_alerts_go_on_and_health_says_so(app, reader, operator):
    operator.put("/v1/maintenance", json={"on": True, "message": "Back at nine."})
    assert reader.get("/api/v1/search/yard", params={"q": "shipyard"}).status_code == 200
    health = reader.get("/health")
    assert health.status_code == 200
    assert health.json()["components"]["maintenance"]["error"] == "Back at nine."
    assert reader.get("/v1/incidents").status_code == 200
    assert reader.get("/console/ask").status_code == 200
    operator.put("/v1/maintenance", json={"on": False})
    assert reader.get("/health").json()["components"]["maintenance"]["status"] == "up"


def test_operators_are_exempt_and_readers_cannot_switch_it(reader, operator):
    operator.put("/v1/maintenance", json={"on": True})
    assert operator.post("/v1/answers", json=ASKED).status_code == 200
    assert reader.put("/v1/maintenance", json={"on": False}).status_code == 403


def test_questions_are_answered_when_only_writes_are_refused(reader, operator):
    operator.put("/v1/maintenance", json={"on": True, "scope": "writes"})
    assert reader.post("/v1/answers", json=ASKED).status_code == 200
    assert reader.post("/api/v1/ingest", json=TEXT).status_code == 503


def test_the_mode_survives_a_restart(app_of):
    first = app_of()
    first.http_apps.control  # noqa: B018 - the app is whole.
    admin = client_of(first, key=first.directory.file("admin.key").read_text().strip())
    admin.put("/v1/maintenance", json={"on": True, "message": "Back at nine."})
    first.close()
    second = app_of()
    known = client_of(second, key=second.keys.create("r", Role.READER, actor="test"))
    assert known.post("/v1/answers", json=ASKED).status_code == 503
    assert known.get("/v1/maintenance").json()["message"] == "Back at nine."


def test_a_service_can_start_in_it(app_of):
    app = app_of(service__maintenance_mode="true")
    reader = client_of(app, key=app.keys.create("r", Role.READER, actor="test"))
    assert reader.post("/v1/answers", json=ASKED).status_code == 503


def test_the_action_switches_it_and_its_undo_puts_the_former_state_back(app):
    from trimtab.kernel.operable import ActionContext

    by = ActionContext("k", "test")
    start = app.catalog.action("service.maintenance.start")
    result = start.run({"message": "Back at nine.", "scope": "all"}, by)
    assert app.catalog.signals["service.maintenance"].read()[0].value == 1.0
    assert start.undo is not None
    start.undo(result.undo_arguments, by)
    state = client_state(app)
    assert (state.on, state.message) == (False, "System maintenance in progress")


def client_state(app) -> MaintenanceState:
    return MaintenanceState(**client_of(app).get("/v1/maintenance").json())


@pytest.mark.feature("F178")
def test_the_hundredth_request_of_a_minute_passes_and_the_next_one_gets_429(app_of):
    app = app_of(service__rate_limit_per_minute="100")
    client = client_of(app)
    answers = [client.get("/v1/me").status_code for _ in range(101)]
    assert (answers[:100], answers[100]) == ([200] * 100, 429)


@pytest.mark.feature("F311")
def test_the_running_service_follows_the_patch_of_the_runbook(app_of, tmp_path):
    app = app_of(service__config_dir=str(tmp_path))
    reader = key(app, "r", Role.READER)
    key(app, "a", Role.ADMIN).post("/api/v1/ingest", json=TEXT)
    tasks = {each.task.name: each.task for each in app.assembly.service(Scheduler).tasks}
    assert reader.post("/v1/answers", json=ASKED).status_code == 200
    (tmp_path / "system-config.yaml").write_text(
        f'data:\n  maintenance_mode: "true"\n  maintenance_message: "{DEFAULT_MESSAGE}"\n',
        encoding="utf-8",
    )
    tasks["apply system-config"].run()
    refused = reader.post("/v1/answers", json=ASKED)
    assert (refused.status_code, refused.json()["error"]["message"]) == (503, DEFAULT_MESSAGE)
