"""Every refusal is recorded, whichever check refuses."""

from tests.faces import app_of, client_of, settings_of  # noqa: F401 - fixtures.


def test_a_refusal_by_any_middleware_has_the_headers_and_is_in_the_log(app_of, caplog):  # noqa: F811
    app = app_of(service__rate_limit_per_minute="1")
    caplog.set_level("INFO")
    client, stranger = client_of(app), client_of(app, host="evil.example")
    path = "/v1/status"
    answers = [stranger.get(path), client.get(path), client.get(path)]
    assert [answer.status_code for answer in answers][1:] == [200, 429]
    assert answers[0].status_code in (400, 403, 421)
    assert all("content-security-policy" in answer.headers for answer in answers)
    logged = [record.status for record in caplog.records if record.message == "request"]
    assert logged == [answer.status_code for answer in answers]
