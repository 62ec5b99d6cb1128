"""The pages of projects and documents, without a browser."""

import re

import pytest

from tests.faces import client_of, key_of
from trimtab.console.documents import PAGE_SIZE
from trimtab.console.paging import Pages
from trimtab.infra.auth import Role


@pytest.fixture
def ship(app):
    """Ingest three documents; return the id of the first."""
    ingest = app.knowledge.ingest_text
    first = ingest("ship", "rudder.txt", "The <b>trimtab</b> turns the rudder with little force.")
    ingest("ship", "100%_keel.txt", "The keel keeps the ship upright.")
    ingest("ship", "sails.md", "# Sails of the ship\n\nThe mainsail is the largest.")
    return first.document_id


@pytest.fixture
def client_for(app):
    return lambda role: client_of(app, key=key_of(app, role))


@pytest.mark.feature("F457")
@pytest.mark.usefixtures("app")
def test_contradictions_of_new_documents_are_shown_with_both_places(app, client_for):
    app.knowledge.encoder.install_and_load()
    for name, hours in (("old.md", "nine"), ("new.md", "ten")):
        app.knowledge.ingest_text(
            "yard", name, f"The yard opens at {hours} hours on <b>Monday</b>."
        )
    reader = client_for(Role.READER)
    text = reader.get("/console/documents/yard/contradictions").text
    assert "1 found" in text
    assert text.index("new.md") < text.index("old.md")
    assert "opens at ten hours on &lt;b&gt;Monday" in text
    listed = reader.get("/api/v1/projects/yard/contradictions").json()["contradictions"]
    assert [(each["kind"], each["old"]["document"]) for each in listed] == [("figure", "old.md")]
    assert reader.get("/api/v1/projects/nowhere/contradictions").status_code == 404


def named(answer):
    return re.findall(r'<a class="row-link" href="[^"]*">([^<]*)</a>', answer.text)


# --- Projects ---


def test_an_operator_creates_a_project_and_is_led_to_it(app, client_for):
    operator = client_for(Role.OPERATOR)
    answer = operator.post("/console/documents", data={"name": " yard "})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/documents/yard")
    assert "No documents yet" in operator.get("/console/documents/yard").text
    assert named(operator.get("/console/documents")) == ["yard"]


@pytest.mark.parametrize("name", ["", "../etc", "a b", "x" * 101])
def test_a_name_that_is_none_creates_nothing(app, client_for, name):
    assert (
        client_for(Role.OPERATOR).post("/console/documents", data={"name": name}).status_code == 400
    )
    assert app.knowledge.projects.list() == ()


@pytest.mark.usefixtures("ship")
@pytest.mark.parametrize(
    ("typed", "status", "left"), [("ship", 303, 0), ("Ship", 400, 1), ("", 400, 1)]
)
def test_a_project_is_deleted_only_when_its_name_is_typed(app, admin, typed, status, left):
    answer = admin.post("/console/documents/ship/delete", data={"confirm": typed})
    assert answer.status_code == status
    assert len(app.knowledge.projects.list()) == left


# --- Roles ---


@pytest.mark.parametrize(
    ("role", "creates", "deletes"),
    [
        (Role.READER, False, False),
        (Role.REVIEWER, False, False),
        (Role.OPERATOR, True, False),
        (Role.ADMIN, True, True),
    ],
)
def test_each_role_sees_and_may_do_what_the_routes_let_it(
    app, client_for, ship, role, creates, deletes
):
    client = client_for(role)
    page, document = "/console/documents/ship", f"/console/documents/ship/{ship}"
    text = client.get(page).text
    assert ('id="upload"' in text) is creates
    assert ("Delete this project" in text) is deletes
    assert ("Delete this document" in client.get(document).text) is deletes
    made = client.post("/console/documents", data={"name": "yard"})
    assert made.status_code == (303 if creates else 403)
    gone = client.post(f"{document}/delete")
    assert gone.status_code == (303 if deletes else 403)
    assert len(app.knowledge.documents.list("ship")) == (2 if deletes else 3)
    gone = client.post(f"{page}/delete", data={"confirm": "ship"})
    assert gone.status_code == (303 if deletes else 403)


@pytest.mark.usefixtures("ship")
def test_a_browser_on_this_machine_may_look_and_is_led_to_the_sign_in(anonymous):
    text = anonymous.get("/console/documents/ship").text
    assert 'id="upload"' not in text
    assert "Uploading needs the role operator" in text
    assert anonymous.post("/console/documents", data={"name": "x"}).status_code == 403


@pytest.mark.usefixtures("ship")
def test_a_key_for_some_projects_only_has_no_console(app):
    key = app.keys.create("tenant", Role.ADMIN, actor="test", projects=["yard"])
    client = client_of(app, key=key)
    for path in ("/console/documents", "/console/documents/ship", "/console/traces"):
        assert client.get(path).status_code == 403


# --- Documents ---


@pytest.mark.usefixtures("ship")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["100%_keel", "Sails of the ship", "rudder"]),
        ("RUDDER", ["rudder"]),
        ("rudder.txt", ["rudder"]),
        ("of the ship", ["Sails of the ship"]),
        ("%_", ["100%_keel"]),
        ("_", ["100%_keel"]),
        ("mainsail", []),
    ],
)
def test_documents_are_found_by_their_names_and_titles(anonymous, text, found):
    answer = anonymous.get("/console/documents/ship", params={"q": text})
    assert sorted(named(answer)) == found
    assert f"{len(found)} document{'' if len(found) == 1 else 's'}" in answer.text


def test_long_lists_have_pages(app, anonymous):
    for number in range(PAGE_SIZE + 1):
        app.knowledge.ingest_text("ship", f"{number:03}.txt", f"The deck {number}.")
    first, second, third = (
        anonymous.get("/console/documents/ship", params={"page": page}) for page in (1, 2, 3)
    )
    assert (len(named(first)), len(named(second)), len(named(third))) == (PAGE_SIZE, 1, 0)
    assert 'rel="next"' in first.text
    assert 'rel="prev"' not in first.text
    assert 'rel="next"' not in second.text
    assert "There is no page 3." in third.text


@pytest.mark.parametrize(
    ("pages", "seen"),
    [
        (Pages(1, 50, 0), (1, 0, 0)),
        (Pages(1, 50, 50), (1, 1, 50)),
        (Pages(1, 50, 51), (2, 1, 50)),
        (Pages(2, 50, 51), (2, 51, 51)),
    ],
)
def test_a_page_knows_what_it_shows(pages, seen):
    assert (pages.count, pages.first, pages.last) == seen


@pytest.mark.parametrize("page", ["0", "-1", "x", "100001"])
@pytest.mark.usefixtures("ship")
def test_a_page_number_that_is_none_is_refused(anonymous, page):
    assert anonymous.get("/console/documents/ship", params={"page": page}).status_code == 400


def test_a_document_shows_its_passages_as_text(anonymous, ship):
    text = anonymous.get(f"/console/documents/ship/{ship}").text
    assert "&lt;b&gt;trimtab&lt;/b&gt; turns the rudder" in text
    assert "<b>trimtab</b>" not in text
    assert "1 passage<" in text
    assert "none: visible to everybody" in text


def test_the_passages_of_a_long_document_have_pages(app, anonymous):
    text = "\n\n".join(f"## Part {n}\n\n" + f"The deck {n} is scrubbed. " * 40 for n in range(45))
    document = app.knowledge.ingest_text("ship", "long.md", text).document_id
    count = app.knowledge.documents.get("ship", document).chunks
    assert PAGE_SIZE < count <= 2 * PAGE_SIZE
    first, second = (
        re.findall(
            r'<li id="passage-(\d+)">',
            anonymous.get(f"/console/documents/ship/{document}", params={"page": page}).text,
        )
        for page in (1, 2)
    )
    assert [int(number) for number in first + second] == list(range(1, count + 1))


def test_a_document_or_project_that_is_gone_is_not_found(app, anonymous, ship):
    app.knowledge.documents.delete("ship", ship)
    assert anonymous.get(f"/console/documents/ship/{ship}").status_code == 404
    assert anonymous.get("/console/documents/none").status_code == 404


# --- Labels ---


def test_a_labelled_document_exists_only_for_callers_with_its_label(app, admin, ship):
    app.knowledge.documents.set_metadata("ship", ship, labels=["board"])
    plain = client_of(app, key=app.keys.create("plain", Role.ADMIN, actor="test"))
    board = client_of(app, key=app.keys.create("b", Role.READER, actor="test", labels=["board"]))
    for client in (admin, plain):
        listed = client.get("/console/documents/ship")
        assert "rudder.txt" not in listed.text
        assert "2 documents" in listed.text
        assert (
            client.get("/console/documents/ship", params={"q": "rudder"}).text.count("row-link")
            == 0
        )
        assert client.get(f"/console/documents/ship/{ship}").status_code == 404
        assert client.post(f"/console/documents/ship/{ship}/delete").status_code == 404
    assert "rudder" in named(board.get("/console/documents/ship"))
    assert "<dd>board</dd>" in board.get(f"/console/documents/ship/{ship}").text


@pytest.mark.usefixtures("ship")
def test_an_upload_offers_the_labels_of_the_key(app):
    key = app.keys.create("b", Role.OPERATOR, actor="test", labels=["board", "staff"])
    text = client_of(app, key=key).get("/console/documents/ship").text
    assert re.findall(r'name="labels" value="(\w+)"', text) == ["board", "staff"]
