import pytest

from tests.faces import client_of
from trimtab.answers import Question
from trimtab.infra.auth import Role
from trimtab.privacy.erasure.certificate import verify_certificate


@pytest.fixture
def running(app):
    app.jobs.launch()
    app.knowledge.projects.create("p")
    for user in ("ann", "bob"):
        app.answers.answer(Question("p", "What is it?", user_id=user))
    return app


@pytest.mark.feature("F477", "F478")
def test_an_admin_erases_a_user_and_gets_every_step_and_a_certificate(running, admin):
    response = admin.delete("/api/v1/users/ann/data")
    body = response.json()
    assert (response.status_code, body["state"], body["complete"]) == (200, "done", True)
    steps = {step["name"]: step for step in body["steps"]}
    assert (steps["answers.traces"]["found"], steps["answers.traces"]["remaining"]) == (1, 0)
    public = running.erasures._evidence.signer.public_pem
    statement = verify_certificate(body["certificate"], public, nonce=body["nonce"], user_id="ann")
    assert statement["about_this_user"]
    assert [trace.user_id for trace in running.answers.traces.recent(9)] == ["bob"]


def test_the_status_of_an_erasure_can_be_read_later_without_the_nonce(running, admin):
    erasure_id = admin.delete("/api/v1/users/ann/data").json()["id"]
    later = admin.get(f"/api/v1/erasures/{erasure_id}").json()
    assert later["state"] == "done"
    assert "nonce" not in later


@pytest.mark.parametrize("role", [Role.READER, Role.REVIEWER, Role.OPERATOR])
def test_only_an_admin_may_erase(running, role):
    client = client_of(running, key=running.keys.create(f"a-{role}", role, actor="test"))
    assert client.delete("/api/v1/users/ann/data").status_code == 403
    assert running.answers.traces.count_user("ann") == 1


def test_an_impossible_user_and_an_unknown_erasure_say_so(running, admin):
    assert admin.delete(f"/api/v1/users/{'x' * 201}/data").json()["error"]["code"] == "answers.bad_user_id"  # fmt: skip
    assert admin.get("/api/v1/erasures/none").status_code == 404


def test_the_rounds_say_what_passes_and_what_to_do(running, admin):
    daily = admin.post("/v1/tasks/daily").json()
    assert [task["id"] for task in daily["tasks"]][:2] == ["ENT-10", "ENT-11"]
    monthly = {task["id"]: task for task in admin.post("/v1/tasks/monthly").json()["tasks"]}
    assert monthly["ENT-22"]["passed"]
    assert monthly["ENT-25"]["passed"]
    assert admin.post("/v1/tasks/yearly").status_code == 404


def test_documents_taken_in_for_a_person_go_with_the_person(running, admin):
    body = {"project": "p", "name": "a.txt", "text": "The first.", "user_id": "ann"}
    admin.post("/api/v1/ingest", json=body)
    form = {"project": (None, "p"), "file": ("b.txt", b"The second.")}
    admin.post("/api/v1/ingest", files=form, headers={"X-User-Id": "ann"})
    admin.post("/api/v1/ingest", json={"project": "p", "name": "c.txt", "text": "The third."})
    steps = {s["name"]: s for s in admin.delete("/api/v1/users/ann/data").json()["steps"]}
    assert (steps["knowledge.queue"]["found"], steps["knowledge.documents"]["found"]) == (2, 2)
    assert [document.name for document in running.knowledge.documents.list("p")] == ["c.txt"]


def test_a_user_id_that_is_no_short_text_is_refused_before_anything_is_written(running, admin):
    body = {"project": "p", "name": "a.txt", "text": "The first.", "user_id": ["ann"]}
    assert admin.post("/api/v1/ingest", json=body).status_code == 400
    assert running.knowledge.documents.list("p") == ()


def test_a_question_is_its_persons_by_the_header_too(running, admin):
    admin.get("/api/v1/query/p?q=What+is+it", headers={"X-User-Id": "eve"})
    assert running.answers.traces.count_user("eve") == 1


def test_the_log_does_not_name_whom_an_erasure_is_about(running, admin, caplog):
    caplog.set_level("INFO")
    admin.delete("/api/v1/users/ann.lovelace/data")
    paths = [record.path for record in caplog.records if hasattr(record, "path")]
    assert paths == ["/api/v1/users/-/data"]
    ours = [record for record in caplog.records if record.name.startswith("trimtab")]
    assert "ann.lovelace" not in str([record.__dict__ for record in ours])


@pytest.mark.parametrize("person", ["idp%2Fcarol.smith", "idp/carol.smith", "a%2Fb%2Fc"])
def test_a_user_id_with_a_slash_is_refused_in_a_path_and_named_in_no_log(admin, person, caplog):
    caplog.set_level("INFO")
    answer = admin.delete(f"/api/v1/users/{person}/data")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "api.user_id_in_path")
    assert "/api/v1/erasures" in answer.json()["error"]["hint"]
    paths = [record.path for record in caplog.records if hasattr(record, "path")]
    assert paths == ["/api/v1/users/-/data"]


@pytest.mark.parametrize(
    "path", ["/api/v1/users/carol/dta", "/API/v1/USERS/carol/data", "/user/carol"]
)
def test_a_user_id_in_a_path_that_no_route_takes_is_in_no_log_either(admin, path, caplog):
    caplog.set_level("INFO")
    assert admin.delete(path).status_code == 404
    paths = [record.path for record in caplog.records if hasattr(record, "path")]
    assert len(paths) == 1
    assert "carol" not in paths[0]


def test_a_person_named_in_the_body_is_erased_whatever_the_id_holds(running, admin):
    running.answers.answer(Question("p", "What is it?", user_id="idp/carol"))
    body = admin.post("/api/v1/erasures", json={"user_id": "idp/carol"}).json()
    assert (body["state"], running.answers.traces.count_user("idp/carol")) == ("done", 0)
