"""Access labels: a labelled document exists only for keys with one of its labels, whichever way they look."""

import pytest

from tests.faces import client_of
from trimtab.infra.auth import Role
from trimtab.infra.control_socket import LABELS_HEADER

SECRET = "The takeover of the shipyard is planned for March."
OPEN = "The shipyard opens at seven."
ASKED = "When is the takeover of the shipyard planned?"


def key(app, name, role=Role.READER, labels=(), **more):
    return client_of(app, key=app.keys.create(name, role, actor="test", labels=labels, **more))


@pytest.fixture
def yard(app, admin):
    """Ingest an open and a labelled document; return the labelled one's id."""
    body = {"project": "yard", "name": "plan.txt", "text": SECRET, "labels": ["board"]}
    labelled = admin.post("/api/v1/ingest", json=body).json()
    admin.post("/api/v1/ingest", json={"project": "yard", "name": "open.txt", "text": OPEN})
    return labelled["document_id"]


@pytest.fixture
def board(app):
    return key(app, "board-member", labels=["board", "staff"])


@pytest.fixture
def plain(app):
    return key(app, "plain")


@pytest.fixture(params=["reader", "reviewer", "operator", "admin", "other label", "anonymous"])
def stranger(request, app, admin, anonymous):
    """Return a caller without the label."""
    if request.param == "anonymous":
        return anonymous
    if request.param == "admin":
        return admin
    if request.param == "other label":
        return key(app, "other", labels=["staff"])
    return key(app, request.param, Role(request.param))


def names(answer):
    return {passage["document_name"] for passage in answer.json()["passages"]}


def test_a_caller_without_the_label_finds_nothing_of_the_document(yard, stranger):
    assert names(stranger.get("/api/v1/search/yard", params={"q": "shipyard takeover"})) <= {
        "open.txt"
    }
    listed = stranger.get("/api/v1/projects/yard/documents").json()["documents"]
    assert [document["name"] for document in listed] == ["open.txt"]
    assert stranger.get(f"/api/v1/projects/yard/documents/{yard}").status_code == 404
    for answer in (
        stranger.get("/api/v1/query/yard", params={"q": ASKED}),
        stranger.post("/api/v1/query", json={"project": "yard", "query": ASKED}),
        stranger.post("/v1/answers", json={"project": "yard", "question": ASKED}),
        stranger.post("/v1/answers/stream", json={"project": "yard", "question": ASKED}),
        stranger.post("/console/ask", data={"project": "yard", "question": ASKED}),
    ):
        assert answer.status_code == 200
        assert "March" not in answer.text
    source = {"project": "yard", "document": yard, "start": 0, "end": 10}
    assert stranger.get("/console/ask/source", params=source).status_code == 404


def test_a_caller_with_the_label_finds_it_everywhere(yard, board):
    assert "plan.txt" in names(board.get("/api/v1/search/yard", params={"q": "shipyard takeover"}))
    assert SECRET in board.get(f"/api/v1/projects/yard/documents/{yard}").json()["text"]
    answer = board.post("/v1/answers", json={"project": "yard", "question": ASKED}).json()
    assert "March" in answer["text"]
    assert board.get(f"/v1/traces/{answer['trace_id']}").status_code == 200
    assert board.get("/v1/me").json()["labels"] == ["board", "staff"]


@pytest.mark.parametrize("first", ["board", "plain"])
def test_neither_callers_cached_result_is_the_others(app, yard, board, plain, first):
    app.knowledge.encoder.install_and_load()
    app.knowledge.drain()
    asked = {"q": "shipyard takeover"}
    order = [board, plain] if first == "board" else [plain, board]
    for client in (*order, *order):
        found = names(client.get("/api/v1/search/yard", params=asked))
        assert ("plan.txt" in found) is (client is board)


def test_the_trace_of_a_labelled_answer_is_unknown_to_others(yard, board, app):
    reviewer = key(app, "judge", Role.REVIEWER)
    trace = board.post("/v1/answers", json={"project": "yard", "question": ASKED}).json()[
        "trace_id"
    ]
    assert reviewer.get(f"/v1/traces/{trace}").status_code == 404
    assert reviewer.get("/v1/traces").json()["traces"] == []
    judged = reviewer.post(f"/v1/traces/{trace}/feedback", json={"helpful": True})
    assert judged.status_code == 404


def test_a_trace_is_hidden_as_soon_as_its_source_gets_a_label(app, admin, plain):
    body = {"project": "yard", "name": "open.txt", "text": OPEN}
    document = admin.post("/api/v1/ingest", json=body).json()["document_id"]
    asked = {"project": "yard", "question": "When does the shipyard open?"}
    trace = plain.post("/v1/answers", json=asked).json()["trace_id"]
    assert plain.get(f"/v1/traces/{trace}").status_code == 200
    path = f"/api/v1/projects/yard/documents/{document}/labels"
    assert admin.put(path, json={"labels": ["board"]}).status_code == 204
    assert plain.get(f"/v1/traces/{trace}").status_code == 404
    assert names(plain.get("/api/v1/search/yard", params={"q": "shipyard"})) == set()
    assert admin.put(path, json={"labels": []}).status_code == 204
    assert plain.get(f"/v1/traces/{trace}").status_code == 200


def test_a_hidden_document_is_neither_replaced_nor_deleted_nor_compared_with(yard, app, admin):
    operator = key(app, "loader", Role.OPERATOR)
    for text in (SECRET, "Something else."):
        body = {"project": "yard", "name": "plan.txt", "text": text}
        assert operator.post("/api/v1/ingest", json=body).status_code == 403
    files = [("file", ("plan.txt", b"x")), ("file", ("b.txt", b"y"))]
    assert operator.post("/api/v1/ingest", data={"project": "yard"}, files=files).status_code == 403
    assert admin.delete(f"/api/v1/projects/yard/documents/{yard}").status_code == 404


def test_nobody_gives_a_label_that_they_lack_but_administrators(app):
    body = {"project": "yard", "name": "a.txt", "text": OPEN, "labels": ["board"]}
    assert key(app, "loader", Role.OPERATOR).post("/api/v1/ingest", json=body).status_code == 403
    holder = key(app, "holder", Role.OPERATOR, labels=["board"])
    assert holder.post("/api/v1/ingest", json=body).status_code == 202
    form = {"project": "yard", "labels": "board"}
    files = [("file", ("b.txt", b"The bow."))]
    assert holder.post("/api/v1/ingest", data=form, files=files).status_code == 202
    assert key(app, "x").get("/api/v1/projects/yard/documents").json()["documents"] == []


@pytest.mark.parametrize("labels", ["board", ["a b"], [""], [1], ["x"] * 101])
def test_what_is_no_list_of_labels_is_refused(admin, labels):
    body = {"project": "yard", "name": "a.txt", "text": OPEN, "labels": labels}
    assert admin.post("/api/v1/ingest", json=body).status_code == 400


def test_the_local_user_names_the_labels_and_no_network_caller_can(yard, control, plain):
    asked, named = {"q": "shipyard takeover"}, {LABELS_HEADER: "board"}
    assert names(control.get("/api/v1/search/yard", params=asked)) <= {"open.txt"}
    found = control.get("/api/v1/search/yard", params=asked, headers=named)
    assert "plan.txt" in names(found)
    assert names(plain.get("/api/v1/search/yard", params=asked, headers=named)) <= {"open.txt"}


def test_a_key_is_made_and_listed_with_its_labels(app, admin):
    made = admin.post("/v1/keys", json={"name": "b", "labels": ["board"]}).json()
    assert client_of(app, key=made["key"]).get("/v1/me").json()["labels"] == ["board"]
    listed = {one["name"]: one for one in admin.get("/v1/keys").json()["keys"]}
    assert (listed["b"]["labels"], listed["admin"]["labels"]) == (["board"], [])
