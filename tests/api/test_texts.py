"""Every text field of every request has a limit, and none takes the character NUL."""

import pytest

from tests.api.text_fields import text_fields

ANY_BODY = {"application/x-ndjson"}
"""Streams whose lines have a schema of the data: each line and the number of lines are limited."""
OWN_CHECK = {"/api/v1/ingest", "/v1/models/{name}/predict"}
"""Routes that check another field first, and are tried by tests of their own."""
PARTS = {"messages[].content[].*"}
"""Parts of messages in OpenAI's form, of which the text is read as a question."""


@pytest.fixture
def described(anonymous):
    return anonymous.get("/openapi.json").json()


def fields(described):
    return [each for each in text_fields(described) if each.media not in ANY_BODY]


def body_with(field, text):
    """Return a body that has the text at the place of the field."""
    value = text
    for part in reversed(field.place.split(".")):
        depth = part.count("[]")
        for _ in range(depth):
            value = [value]
        value = {part.replace("[]", "").replace("*", "x"): value}
    return value


def path_of(field):
    return field.path.replace("{", "").replace(":path}", "").replace("}", "")


def test_every_text_field_of_a_body_states_its_limit(described):
    unlimited = [
        each for each in fields(described) if each.limit is None and each.place not in PARTS
    ]
    assert unlimited == []
    assert len(fields(described)) > 100, "the walk found the fields"


def test_every_json_field_refuses_the_character_nul_and_is_named(described, admin):
    wrong = []
    for field in fields(described):
        if field.media != "application/json":
            continue
        sent = body_with(field, "a\0b")
        answer = admin.request(field.method, path_of(field), json=sent)
        error = answer.json()["error"]
        last = field.place.split(".")[-1].replace("[]", "").replace("*", "x")
        if (
            answer.status_code != 400
            or "NUL" not in error["message"]
            or last not in error["message"]
        ):
            wrong.append((field, answer.status_code, error))
    assert wrong == []


def test_every_json_field_refuses_a_longer_text_and_names_field_and_limit(described, admin):
    wrong = []
    for field in fields(described):
        if field.media != "application/json" or field.limit is None or field.limit > 1_100_000:
            continue
        sent = body_with(field, "a" * (field.limit + 1))
        answer = admin.request(field.method, path_of(field), json=sent)
        named = str(field.limit) in answer.text or "longer" in answer.text
        own = field.place in {"query", "question"} or field.path in OWN_CHECK
        if answer.status_code != 400 or not (named or own):
            wrong.append((field, answer.status_code, answer.text[:200]))
    assert wrong == []


@pytest.mark.parametrize(
    ("path", "field"), [("/api/v1/query", "query"), ("/v1/answers", "question")]
)
def test_a_question_that_is_too_long_is_told_its_limit(admin, path, field):
    admin.post("/api/v1/projects", json={"name": "p"})
    answer = admin.post(path, json={"project": "p", field: "a" * 1001})
    assert answer.status_code == 400
    assert "1,000" in answer.text


@pytest.mark.parametrize(
    ("changed", "limit"),
    [
        ({"name": "n" * 501}, "500"),
        ({"labels": ["x" * 101]}, "100"),
        ({"user_id": "u" * 201}, "200"),
    ],
)
def test_a_document_that_is_too_long_somewhere_is_told_the_limit(admin, changed, limit):
    admin.post("/api/v1/projects", json={"name": "p"})
    sent = {"project": "p", "name": "a.txt", "text": "a text", **changed}
    answer = admin.post("/api/v1/ingest", json=sent)
    assert answer.status_code == 400
    assert limit in answer.json()["error"]["message"]


def test_a_form_refuses_nul_in_its_texts(admin):
    admin.post("/api/v1/projects", json={"name": "p"})
    files = {"file": ("a.txt", b"a text", "text/plain")}
    answer = admin.post("/api/v1/ingest", data={"project": "p", "user_id": "a\0b"}, files=files)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("user_id: the text has the character NUL")


def test_an_address_of_a_body_refuses_nul_and_names_without_end(admin):
    for path in ("/v1/incidents/a%00b/approve", "/v1/incidents/a/approve?q=%00"):
        answer = admin.post(path, json={"plan_hash": "x"})
        assert answer.status_code == 400
        assert "NUL" in answer.json()["error"]["message"]
    answer = admin.post(f"/v1/incidents/{'a' * 1025}/approve", json={"plan_hash": "x"})
    assert answer.status_code == 400
    assert "1024" in answer.json()["error"]["message"]


def test_an_escaped_backslash_is_no_nul(admin):
    admin.post("/api/v1/projects", json={"name": "p"})
    sent = {"project": "p", "name": "a.txt", "text": "the escape \\u0000 is written so"}
    answer = admin.post("/api/v1/ingest", json=sent)
    assert answer.status_code in {200, 202}, answer.text
