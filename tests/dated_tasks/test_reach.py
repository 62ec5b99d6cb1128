"""The calendar through HTTP and in the console."""

import pytest

from tests.faces import client_of, key_of
from trimtab.infra.auth import Role

NEW = {"title": "Order <b>a disk</b>", "owner": "Sam", "due_at": "2130-01-01T00:00:00"}


@pytest.fixture
def operator(app):
    return client_of(app, key=key_of(app, Role.OPERATOR))


@pytest.fixture
def added(operator):
    reply = operator.post("/v1/calendar", json=NEW)
    assert reply.status_code == 201
    return reply.json()


def test_a_task_is_added_listed_moved_and_done(operator, added):
    path = f"/v1/calendar/{added['id']}"
    assert added["due_at"] == "2130-01-01T00:00:00Z"
    assert operator.post(f"{path}/move", json={"owner": "Kim"}).json()["owner"] == "Kim"
    listed = operator.get("/v1/calendar", params={"owner": "Kim"}).json()
    assert ([each["id"] for each in listed["tasks"]], listed["overdue"]) == ([added["id"]], 0)
    assert operator.post(f"{path}/done", json={"note": "ok"}).json()["status"] == "done"
    assert operator.post(f"{path}/drop", json={"note": "no"}).status_code == 409
    assert operator.get(path).json()["note"] == "ok"


def test_a_reader_looks_and_changes_nothing(app, added):
    reader = client_of(app, key=key_of(app, Role.READER))
    assert reader.get("/v1/calendar").status_code == 200
    assert reader.post("/v1/calendar", json=NEW).status_code == 403
    assert reader.post(f"/v1/calendar/{added['id']}/done", json={}).status_code == 403


def test_the_page_lists_tasks_as_text_and_closes_them(admin, added):
    text = admin.get("/console/calendar").text
    assert "Order &lt;b&gt;a disk&lt;/b&gt;" in text
    reply = admin.post(f"/console/calendar/{added['id']}/drop", data={"note": ""})
    assert "reason" in admin.get(reply.headers["location"]).text
    reply = admin.post(f"/console/calendar/{added['id']}/done", data={"note": "ordered"})
    assert "Done: Order" in admin.get(reply.headers["location"]).text
    assert "ordered" in admin.get("/console/calendar?status=done").text


@pytest.mark.parametrize("field", ["title", "owner", "due_at"])
def test_a_task_without_a_field_is_refused(operator, field):
    body = {name: value for name, value in NEW.items() if name != field}
    assert operator.post("/v1/calendar", json=body).status_code == 400


def test_a_task_of_the_past_is_refused(operator):
    reply = operator.post("/v1/calendar", json={**NEW, "due_at": "2020-01-01T00:00:00"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "calendar.bad_task")
