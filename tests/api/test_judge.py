"""The fuzz is only worth what its judge sees."""

import pytest
from starlette.datastructures import Headers

from tests.api.judge import Judge
from tests.api.wire import Got, Sent

JSON = "application/json"
NUMBER = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
DESCRIBED = {
    "components": {"schemas": {"ErrorBody": {"type": "object", "required": ["error"]}}},
    "paths": {
        "/n": {
            "get": {
                "responses": {
                    "200": {"content": {JSON: {"schema": NUMBER}}},
                    "204": {},
                    "404": {"content": {JSON: {"schema": {}}}},
                    "503": {"content": {JSON: {"schema": {}}}},
                }
            }
        }
    },
}


def judged(status, body=b'{"n": 1}', media=JSON):
    judge = Judge(DESCRIBED)
    judge.of_route(
        "GET", "/n", Got(status, Headers({"content-type": media}), body), Sent("GET", "/n")
    )
    return judge


def test_what_the_document_says_is_right():
    assert judged(200).lines() == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ((418,), "418 is not documented"),
        ((503,), "503"),
        ((200, b'{"n": "1"}'), "is not of type"),
        ((200, b"{}"), "required property"),
        ((200, b'{"n": 1, "m": 2}'), "Additional properties"),
        ((200, b'{"n": NaN}'), "the body is not"),
        ((200, b"<p>", "text/html"), "content type 'text/html'"),
        ((204, b"x"), "a body where none is documented"),
    ],
)
def test_what_no_document_says_is_wrong(wrong, says):
    (line,) = judged(*wrong).lines()
    assert says in line


def test_a_status_that_was_promised_and_never_given_is_told():
    assert judged(200).unseen() == [
        "GET /n: 204 is documented and was never given",
        "GET /n: 404 is documented and was never given",
    ]


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (307, b""), (404, b"{}"), (500, b"{}")])
def test_a_request_for_no_route_is_refused_in_the_usual_form(status, body):
    judge = Judge(DESCRIBED)
    judge.of_stray(Got(status, Headers({"content-type": JSON}), body), Sent("GET", "/x"))
    assert len(judge.lines()) == 1
