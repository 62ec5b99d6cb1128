"""Keys that are for some projects only: nothing of any other project is read or written with them."""

import pytest

from tests.api.test_access import all_routes, roles_of
from tests.faces import client_of
from trimtab.answers import Question
from trimtab.infra.auth import Role
from trimtab.kernel.errors import Forbidden

OPEN = {
    ("GET", "/api/v1/query/{project}"),
    ("POST", "/api/v1/query"),
    ("POST", "/v1/answers"),
    ("POST", "/v1/answers/stream"),
    ("GET", "/openai/v1/models"),
    ("GET", "/openai/v1/models/{model}"),
    ("POST", "/openai/v1/chat/completions"),
    ("GET", "/v1/traces"),
    ("GET", "/v1/traces/{trace_id}"),
    ("POST", "/v1/traces/{trace_id}/feedback"),
    ("GET", "/api/v1/projects"),
    ("GET", "/api/v1/projects/{project}/contradictions"),
    ("GET", "/api/v1/projects/{project}/documents"),
    ("GET", "/api/v1/projects/{project}/documents/{document_id}"),
    ("DELETE", "/api/v1/projects/{project}/documents/{document_id}"),
    ("PUT", "/api/v1/projects/{project}/documents/{document_id}/labels"),
    ("PUT", "/api/v1/projects/{project}/documents/{document_id}/review"),
    ("GET", "/api/v1/search/{project}"),
    ("POST", "/api/v1/ingest"),
    ("GET", "/v1/me"),
}


@pytest.fixture
def two(app):
    for project in ("red", "blue"):
        app.knowledge.ingest_text(project, "note.txt", f"The code of the {project} house is 4711.")
    app.trace = {
        project: app.answers.answer(Question(project, f"What is the code of the {project} house?"))
        for project in ("red", "blue")
    }
    return app


@pytest.fixture
def red(two):
    key = two.keys.create("red", Role.ADMIN, actor="test", projects=["red"])
    return client_of(two, key=key)


def test_exactly_the_routes_that_filter_by_project_are_open_to_such_keys(app):
    found = {
        (method, route.path)
        for route in all_routes(app.http_apps.api)
        if roles_of(route.dependant)[0].tenants
        for method in route.methods
    }
    assert found == OPEN


@pytest.mark.parametrize(
    "path", ["/v1/reviews", "/v1/keys", "/v1/audit", "/v1/settings", "/v1/signals", "/console"]
)
def test_everything_else_is_closed_to_them_whatever_their_role(red, path):
    assert red.get(path).status_code == 403


def test_their_own_project_works(two, red):
    asked = {"project": "red", "query": "What is the code of the red house?"}
    answer = red.post("/api/v1/query", json=asked).json()
    assert answer["found"]
    assert red.get(f"/v1/traces/{answer['trace_id']}").status_code == 200
    assert red.get("/v1/traces", params={"project": "red"}).status_code == 200
    assert [p["name"] for p in red.get("/api/v1/projects").json()["projects"]] == ["red"]
    assert red.get("/v1/me").json()["projects"] == ["red"]


def test_another_project_is_closed_by_path_query_and_body(two, red):
    body = {"project": "blue", "query": "What?", "question": "What?", "name": "x", "text": "x"}
    refused = [
        red.get("/api/v1/search/blue?q=code"),
        red.get("/api/v1/query/blue?q=code"),
        red.get("/api/v1/projects/blue/contradictions"),
        red.get("/api/v1/projects/blue/documents"),
        red.get("/v1/traces?project=blue"),
        red.get("/v1/traces?project=blue&project=red"),
        red.get("/v1/traces"),
        *(red.post(path, json=body) for path in ("/api/v1/query", "/v1/answers")),
        red.post("/v1/answers/stream", json=body),
        red.post("/api/v1/ingest", json=body),
        red.post("/api/v1/ingest", files={"project": (None, "blue"), "file": ("x.txt", b"x")}),
    ]
    assert {answer.status_code for answer in refused} == {403}
    assert [document.name for document in two.knowledge.documents.list("blue")] == ["note.txt"]


def test_whether_another_project_exists_is_not_told(red):
    there, nowhere = (red.get(f"/api/v1/search/{name}?q=x").json() for name in ("blue", "none"))
    assert there == nowhere


def test_another_tenants_trace_is_as_unknown_as_one_that_never_was(two, red):
    other = two.trace["blue"].trace_id
    for response in (
        red.get(f"/v1/traces/{other}"),
        red.post(f"/v1/traces/{other}/feedback", json={"helpful": True}),
    ):
        assert (response.status_code, response.json()["error"]["code"]) == (404, "answers.trace_unknown")  # fmt: skip
    assert two.answers.feedback.of_trace(other) == []


def test_a_rotated_key_stays_for_its_projects(two):
    two.keys.create("red", Role.READER, actor="test", projects=["red"])
    who = two.keys.authenticate(two.keys.rotate("red", actor="test"))
    who.enter("red")
    with pytest.raises(Forbidden):
        who.enter("blue")


def test_a_key_is_made_for_projects_over_the_interface(two, admin):
    made = admin.post("/v1/keys", json={"name": "r", "projects": ["red"]}).json()
    assert client_of(two, key=made["key"]).get("/api/v1/search/blue?q=x").status_code == 403
    listed = {key["name"]: key["projects"] for key in admin.get("/v1/keys").json()["keys"]}
    assert (listed["r"], listed["admin"]) == (["red"], [])
    assert admin.post("/v1/keys", json={"name": "s", "projects": ["a b"]}).status_code == 400
