# ruff: noqa: RUF001 - look-alike letters are the subject.
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from tests.faces import client_of
from trimtab.infra.auth import Role
from trimtab.infra.web import Needs
from trimtab.infra.web.routes import GuardedRoute


def all_routes(app):
    found = []
    for route in app.routes:
        if isinstance(route, APIRoute):
            found.append(route)
        elif hasattr(route, "original_router"):  # FastAPI keeps included routers as they are.
            found += all_routes(route.original_router)
    return found


def roles_of(dependant: Dependant):
    return [d.call for d in dependant.dependencies if isinstance(d.call, Needs)]


def test_every_route_states_exactly_one_role(app):
    routes = [*all_routes(app.http_apps.api), *all_routes(app.http_apps.faults)]
    wrong = [route.path for route in routes if len(roles_of(route.dependant)) != 1]
    assert len(routes) > 10
    assert wrong == []


def test_only_health_heartbeats_and_metrics_are_open_to_everybody(app):
    routes = all_routes(app.http_apps.api)
    public = {route.path for route in routes if roles_of(route.dependant)[0].role is None}
    assert public == {"/health", "/metrics", "/healthz", "/api/v1/heartbeat"}


def test_routes_that_change_something_are_closed_to_readers_except_asking(app):
    changing = [
        r for r in all_routes(app.http_apps.api) if r.methods & {"POST", "PUT", "PATCH", "DELETE"}
    ]
    asking = {
        "/v1/answers",
        "/v1/answers/stream",
        "/openai/v1/chat/completions",
        "/v1/agent-calls",  # Records what an agent reads.
        "/api/v1/query",
        "/v1/check",
        "/v1/traces/{trace_id}/feedback",
        "/v1/models/{name}/predict",
        "/v1/models/{name}/health",
        "/v2/models/{name}/infer",
        "/v1/analyze",
    }
    for_readers = {
        route.path for route in changing if roles_of(route.dependant)[0].role is Role.READER
    }
    assert for_readers <= asking


def test_a_bearer_key_and_an_x_api_key_are_both_accepted(app):
    key = app.keys.create("k", Role.OPERATOR, actor="test")
    client = client_of(app)
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        assert client.get("/v1/me", headers=headers).json() == {"name": "k", "role": "operator"}


def test_an_unknown_key_is_refused_even_where_anonymous_reading_is_allowed(anonymous):
    answer = anonymous.get("/v1/me", headers={"X-API-Key": "tt_wrong"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error"]["code"] == "auth.unauthenticated"


def test_a_revoked_key_is_refused_at_once(app, admin):
    key = app.keys.create("gone", Role.READER, actor="test")
    assert admin.delete("/v1/keys/gone").status_code == 204
    assert client_of(app, key=key).get("/v1/me").status_code == 401


def test_a_caller_on_this_machine_may_read_without_a_key(anonymous):
    assert anonymous.get("/v1/me").json() == {"name": "anonymous", "role": "reader"}


def test_an_anonymous_caller_may_not_administer(anonymous):
    answer = anonymous.get("/v1/keys")
    assert answer.status_code == 403
    assert "admin" in answer.json()["error"]["hint"]


PROXY_HEADERS = [
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Anything",
    "Via",
    "X-Real-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-Original-URL",
    "X-Envoy-External-Address",
]


@pytest.mark.parametrize("header", PROXY_HEADERS)
def test_a_proxied_caller_is_not_taken_for_one_on_this_machine(anonymous, header):
    assert anonymous.get("/v1/me", headers={header: "192.0.2.7"}).status_code == 401


def test_nobody_reads_without_a_key_from_the_second_key_on(app, anonymous):
    assert anonymous.get("/v1/me").status_code == 200
    app.keys.create("second", Role.READER, actor="test")
    assert anonymous.get("/v1/me").status_code == 401
    assert anonymous.get("/health").status_code == 200
    app.keys.revoke("second", actor="test")
    assert anonymous.get("/v1/me").status_code == 200


def test_every_route_admits_its_caller_before_it_reads_a_body(app):
    faces = (app.http_apps.api, app.http_apps.faults, app.http_apps.console)
    routes = [route for face in faces for route in all_routes(face)]
    assert [route.path for route in routes if not isinstance(route, GuardedRoute)] == []


@pytest.mark.parametrize(
    "name",
    [
        "anonymous",
        "Local",
        "trimtab",
        "seed-1",
        "con",
        "NUL",
        "lpt1.txt",
        "review",
        "..",
        ".x",
        "-x",
    ],
)
def test_a_key_cannot_take_a_name_that_stands_for_something_else(admin, name):
    answer = admin.post("/v1/keys", json={"name": name})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "auth.key_name_reserved")


@pytest.mark.parametrize("name", ["ci", "conny", "localhost", "reviewer", "a.b", "lpt", "com10"])
def test_a_key_may_have_a_name_that_only_looks_like_one(admin, name):
    assert admin.post("/v1/keys", json={"name": name}).status_code == 201


@pytest.mark.parametrize("name", ["аdmin", "admin\n", "admin ", "ａdmin", "ad\u200bmin", ""])
def test_a_key_name_has_ascii_letters_only(admin, name):
    assert admin.post("/v1/keys", json={"name": name}).status_code == 400


@pytest.mark.parametrize("name", ["con", "System", "search", "-rf", "seed-x"])
def test_a_project_cannot_take_such_a_name_either(admin, name):
    text = {"project": name, "name": "a.txt", "text": "The bow."}
    assert admin.post("/api/v1/projects", json={"name": name}).status_code == 400
    assert admin.post("/api/v1/ingest", json=text).status_code == 400


@pytest.mark.parametrize(
    "person", ["bob\u200b", "ｂob", "bоb", "bob\u202e", "..", "e\u0301ve", "b\x00b", "\U000e0041"]
)
def test_nothing_is_kept_under_a_user_id_that_looks_like_another(admin, person):
    text = {"project": "p", "name": "a.txt", "text": "The bow.", "user_id": person}
    asked = {"project": "p", "question": "why", "user_id": person}
    assert admin.post("/api/v1/ingest", json=text).status_code == 400
    assert admin.post("/v1/answers", json=asked).status_code == 400


@pytest.mark.parametrize(
    "person", ["bob", "éve", "Боб", "idp/carol", "a@b.example", "李雷", "bob боб"]
)
def test_honest_user_ids_are_kept(admin, person):
    text = {"project": "p", "name": "a.txt", "text": "The bow.", "user_id": person}
    assert admin.post("/api/v1/ingest", json=text).status_code == 202


def test_no_get_changes_anything(app, admin, monkeypatch):
    admin.post("/api/v1/ingest", json={"project": "p", "name": "a.txt", "text": "The bow."})
    admin.get("/v1/me")  # The key's first use is noted.
    asking = "/api/v1/query/{project}"
    paths = [
        route.path_format.replace("{project}", "p")
        for face in (app.http_apps.api, app.http_apps.console)
        for route in all_routes(face)
        if "GET" in route.methods and route.path != asking and not route.path.endswith("/stream")
    ]
    before = (app.state.changes, app.knowledge.database.changes)
    for path in paths:
        admin.get(path, params={"q": "bow"})
    assert len(paths) > 40
    assert (app.state.changes, app.knowledge.database.changes) == before


def test_a_caller_elsewhere_needs_a_key(app):
    assert client_of(app, address="192.0.2.7").get("/v1/me").status_code == 401


def test_nobody_reads_anonymously_when_the_service_listens_beyond_loopback(app_of):
    app = app_of(service__host="0.0.0.0")
    assert client_of(app).get("/v1/me").status_code == 401


def test_anonymous_reading_can_be_switched_off(app_of):
    app = app_of(api__anonymous_reader="false")
    assert client_of(app).get("/v1/me").status_code == 401


def test_the_first_start_leaves_an_admin_key_that_only_the_user_can_read(app):
    file = app.directory.file("admin.key")
    assert file.stat().st_mode & 0o777 == 0o600
    client = client_of(app, key=file.read_text().strip())
    assert client.get("/v1/me").json() == {"name": "admin", "role": "admin"}


def test_callers_on_the_control_socket_are_admin(control):
    assert control.get("/v1/me").json() == {"name": "local", "role": "admin"}


def test_a_header_cannot_claim_the_control_socket(app):
    client = TestClient(app.http_apps.network, base_url="http://localhost", client=("192.0.2.7", 1))
    answer = client.get("/v1/me", headers={"trimtab.principal": "local"})
    assert answer.status_code == 401


def test_a_key_is_made_listed_without_the_key_and_used(app, admin):
    made = admin.post("/v1/keys", json={"name": "ci", "role": "operator"})
    assert made.status_code == 201
    listed = admin.get("/v1/keys").text
    assert '"ci"' in listed
    assert made.json()["key"] not in listed
    assert client_of(app, key=made.json()["key"]).get("/v1/me").json()["role"] == "operator"


def test_making_and_revoking_a_key_is_in_the_audit_chain(admin):
    admin.post("/v1/keys", json={"name": "ci"})
    admin.delete("/v1/keys/ci")
    actions = [event["action"] for event in admin.get("/v1/audit").json()["events"]]
    assert actions[:2] == ["auth.key_revoked", "auth.key_created"]
    assert admin.get("/v1/audit/verify").json()["ok"] is True


def test_a_rotated_key_replaces_the_old_one(app, admin):
    old = app.keys.create("ci", Role.READER, actor="test")
    new = admin.post("/v1/keys/ci/rotate").json()["key"]
    assert client_of(app, key=old).get("/v1/me").status_code == 401
    assert client_of(app, key=new).get("/v1/me").json()["name"] == "ci"


def test_keys_are_reviewed(admin):
    found = {key["name"]: key for key in admin.get("/v1/keys/review").json()["keys"]}
    assert found["admin"]["problems"] == []
