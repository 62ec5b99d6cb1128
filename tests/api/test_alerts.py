"""The routes that receive alerts: who may send, and what is answered."""

import json

import pytest

from tests.faces import client_of, key_of
from tests.incidents.intake.desk import posted, sent
from trimtab.incidents.intake import AlertIntake

ALERTS = "/api/v2/alerts"
WEBHOOK = "/v1/alerts/webhooks/alertmanager"


@pytest.fixture
def sender(app):
    return client_of(app, key=key_of(app, "alerts"))


@pytest.fixture
def intake(app):
    return app.http_apps.api.state.services.find(AlertIntake)


@pytest.mark.parametrize("path", [ALERTS, WEBHOOK, "/v1/alerts/webhooks/generic"])
def test_only_a_key_that_may_send_alerts_sends_them(app, path):
    body = [posted()] if path == ALERTS else {"version": "4", "alerts": [sent() | {"title": "x"}]}
    for role in ("reader", "reviewer"):
        assert client_of(app, key=key_of(app, role)).post(path, json=body).status_code == 403
    assert client_of(app).post(path, json=body).status_code == 401
    for role in ("alerts", "operator", "admin"):
        assert client_of(app, key=key_of(app, role)).post(path, json=body).status_code == 200


@pytest.mark.parametrize("path", [ALERTS, WEBHOOK])
def test_without_a_key_the_body_is_not_read(app, path):
    answer = client_of(app, address="192.0.2.1").post(path, content=b"not json")
    assert answer.status_code == 401


def test_a_sender_of_alerts_reads_and_silences_nothing(sender):
    for path in ("/v1/incidents", ALERTS, "/api/v2/silences", "/v1/me"):
        assert sender.get(path).status_code == 403
    assert sender.post("/api/v2/silences", json={}).status_code == 403


def test_a_large_storm_in_one_webhook_is_accepted(sender, intake):
    alerts = [sent(instance=f"n{number}") for number in range(10_000)]
    answer = sender.post(WEBHOOK, json={"version": "4", "alerts": alerts})
    assert answer.json() == {
        "fired": 10_000,
        "repeated": 0,
        "resolved": 0,
        "unknown_resolved": 0,
        "refused": [],
    }


def test_what_was_refused_is_named_and_the_rest_is_kept(sender, admin):
    answer = sender.post(ALERTS, json=[posted("Kept"), {"labels": {}}])
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "Alert 1 was not accepted: it has no label."
    assert [alert["labels"]["alertname"] for alert in admin.get(ALERTS).json()] == ["Kept"]


@pytest.mark.parametrize("body", [b"", b"{", b'"x"', b"[" * 10_000, b"\xff\xfe"])
def test_what_is_no_alert_is_refused(sender, body):
    headers = {"content-type": "application/json"}
    answer = sender.post(ALERTS, content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "incidents.alerts_refused"


def test_an_unknown_webhook_is_not_found(sender):
    answer = sender.post("/v1/alerts/webhooks/nagios", json={})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "incidents.webhook_unknown"


def test_alerts_are_listed_with_what_silences_them(app, sender, admin, intake):
    silence = {
        "matchers": [{"name": "cluster", "value": "a", "isRegex": False}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2090-01-01T00:00:00Z",
        "createdBy": "bob",
        "comment": "patches",
    }
    silence_id = admin.post("/api/v2/silences", json=silence).json()["silenceID"]
    sender.post(ALERTS, json=[posted(cluster="a"), posted(cluster="b")])
    intake._judge_suppression(app.env.clock.now())
    found = {each["labels"]["cluster"]: each["status"] for each in admin.get(ALERTS).json()}
    assert found["a"] == {"state": "suppressed", "silencedBy": [silence_id], "inhibitedBy": []}
    assert found["b"]["state"] == "active"
    shown = admin.get(ALERTS, params={"silenced": "false", "filter": 'alertname="DiskFull"'})
    assert [each["labels"]["cluster"] for each in shown.json()] == ["b"]
    assert len(admin.get("/api/v2/alerts/groups").json()) == 2
    assert admin.delete(f"/api/v2/silence/{silence_id}").status_code == 200
    (ended,) = admin.get("/api/v2/silences").json()
    assert ended["status"] == {"state": "expired"}


def test_a_silence_without_a_comment_is_refused(admin):
    silence = {
        "matchers": [{"name": "a", "value": "b"}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2090-01-01T00:00:00Z",
        "createdBy": "bob",
        "comment": "",
    }
    answer = admin.post("/api/v2/silences", content=json.dumps(silence))
    assert answer.status_code in {400, 422}
    answer = admin.post("/api/v2/silences", json=silence)
    assert answer.json()["error"]["code"] == "incidents.silence_refused"


def test_a_bad_filter_is_refused(admin):
    answer = admin.get(ALERTS, params={"filter": "a=~("})
    assert answer.json()["error"]["code"] == "incidents.matcher_refused"


def test_announced_maintenance_is_on_the_status_page_without_a_name(admin):
    silence = {
        "matchers": [{"name": "cluster", "value": "a"}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2090-01-01T00:00:00Z",
        "createdBy": "bob",
        "comment": "kernel update",
        "maintenance": True,
    }
    admin.post("/api/v2/silences", json=silence)
    admin.post("/api/v2/silences", json=silence | {"maintenance": False})
    (shown,) = admin.get("/v1/status").json()["maintenance"]
    assert (shown["state"], shown["comment"]) == ("active", "kernel update")
    assert "bob" not in str(shown)
