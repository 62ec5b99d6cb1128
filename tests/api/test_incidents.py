import json
from collections import Counter
from datetime import timedelta

import pytest

from tests.incidents.records import drift_incident
from trimtab.incidents import State
from trimtab.infra.auth import Role


def test_an_incident_shows_diagnosis_plan_question_and_clocks(tank):
    incident = tank.waiting()
    body = tank.client().get(f"/v1/incidents/{incident.id}").json()
    assert body["state"] == "awaiting_approval"
    assert body["diagnosis"]["cause_id"] == "tank-empty/the-pump-is-broken"
    assert body["approval"]["plan_hash"] == body["plan"]["hash"]
    assert len(body["clocks"]) == 4


def test_the_keys_of_an_incident_stay_as_they_were_before_episodes(tank):
    incident = tank.resolved()
    body = tank.client().get(f"/v1/incidents/{incident.id}").json()
    assert body.keys() == {
        "id",
        "opening",
        "state",
        "state_since",
        "title",
        "component",
        "group_key",
        "alerts",
        "opened_at",
        "severity",
        "native_severity",
        "system",
        "ladder",
        "runbooks",
        "triaged_at",
        "diagnosed_at",
        "remediation_at",
        "restored_at",
        "resolved_at",
        "diagnosis",
        "plan",
        "approved_by",
        "done",
        "watch",
        "attempts",
        "acknowledged",
        "assigned_to",
        "taken_over_by",
        "severity_set_at",
        "cause_stated",
        "follow_ups",
        "called",
        "held_back",
        "passed_over",
        "conditions",
        "root_cause",
        "cause_verified",
        "resolution",
        "escalated_at",
        "closed_by",
        "impact",
        "postmortem",
        "drill",
        "active",
        "approval",
        "cause_status",
        "cause_text",
        "ending",
        "notifications",
        "clocks",
    }
    assert body["opening"] == 1
    assert [attempt["opening"] for attempt in body["attempts"]] == [1]
    assert [call.keys() for call in body["notifications"]] == [
        {"who", "why", "at", "paged", "receivers", "accepted", "failed", "status", "text"}
    ] * len(body["notifications"])


def test_incidents_are_listed_by_whether_they_are_over(tank):
    incident = tank.resolved()
    client = tank.client()
    assert client.get("/v1/incidents", params={"active": True}).json() == {"incidents": []}
    ended = client.get("/v1/incidents", params={"active": False}).json()["incidents"]
    assert [found["id"] for found in ended] == [incident.id]


@pytest.mark.feature("F740")
def test_the_status_page_tells_what_is_disturbed_now(tank):
    incident = tank.waiting()
    (told,) = tank.client().get("/v1/status").json()["incidents"]
    assert (told["id"], told["title"], told["state"]) == (
        incident.id,
        incident.title,
        "investigating",
    )
    assert told["since"] == incident.episode.opened_at.isoformat()


@pytest.mark.feature("F741")
def test_what_is_over_is_marked_resolved_on_the_status_page_with_a_summary_for_a_week(tank):
    incident = tank.resolved()
    (told,) = tank.client().get("/v1/status").json()["incidents"]
    assert (told["state"], told["summary"]) == ("resolved", incident.episode.resolution)
    assert incident.episode.resolution
    clock, week = tank.operator.clock, timedelta(days=7)
    clock.advance((incident.episode.resolved_at + week - clock.now()).total_seconds() - 1)
    assert len(tank.client().get("/v1/status").json()["incidents"]) == 1
    clock.advance(1)
    assert tank.client().get("/v1/status").json()["incidents"] == []


def test_the_status_page_has_a_hundred_open_incidents_and_a_hundred_that_are_over(tank):
    store, at = tank.operator.context.store, tank.operator.clock.now()
    for state in ("triaged", "resolved"):
        for number in range(101):
            group = f"{state}-{number}"
            one = drift_incident(id=group, group_key=group, state=State(state))
            dated = one.updated(opened_at=at, resolved_at=at if state == "resolved" else None)
            store.open(lambda _id, dated=dated: dated, "x", ())
    told = tank.client().get("/v1/status").json()["incidents"]
    assert Counter(each["state"] for each in told) == {"investigating": 100, "resolved": 100}


def test_an_operator_approves_the_plan_that_was_read(tank):
    incident = tank.waiting()
    operator = tank.client(Role.OPERATOR)
    path = f"/v1/incidents/{incident.id}/approve"
    stale = operator.post(path, json={"plan_hash": "another"})
    good = operator.post(path, json={"plan_hash": incident.episode.plan.hash})
    assert stale.json()["error"]["code"] == "incidents.plan_changed"
    assert (good.json()["decision"], good.json()["principal"]) == ("approved", "test-operator")


def test_a_reader_can_neither_approve_nor_reject(tank):
    incident = tank.waiting()
    reader = tank.client()
    for verb in ("approve", "reject"):
        path = f"/v1/incidents/{incident.id}/{verb}"
        assert reader.post(path, json={"plan_hash": incident.episode.plan.hash}).status_code == 403
    assert tank.operator.incidents.approval(incident.id).decision == ""


def test_a_rejection_keeps_its_reason(tank):
    incident = tank.waiting()
    body = {"plan_hash": incident.episode.plan.hash, "reason": "not during the race"}
    answer = tank.client(Role.OPERATOR).post(f"/v1/incidents/{incident.id}/reject", json=body)
    assert (answer.json()["decision"], answer.json()["reason"]) == (
        "rejected",
        "not during the race",
    )


def test_the_stream_tells_every_entry_and_ends_with_the_incident(tank):
    incident = tank.resolved()
    text = tank.client().get(f"/v1/incidents/{incident.id}/stream").text
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    told = [json.loads(line) for line in data]
    entries = [line["text"] for line in told if "text" in line]
    assert entries == tank.operator.texts(incident.id)
    assert told[-1] == {"state": "resolved"}


def test_the_stream_goes_on_behind_the_entry_that_was_seen(tank):
    incident = tank.resolved()
    seen = len(tank.operator.texts(incident.id)) - 1
    path = f"/v1/incidents/{incident.id}/stream"
    text = tank.client().get(path, params={"after": seen}).text
    assert text.count("event: entry") == 1


def test_a_postmortem_comes_in_both_formats(tank):
    incident = tank.resolved()
    client, path = tank.client(), f"/v1/incidents/{incident.id}/postmortem"
    assert client.get(path).text.startswith(f"# Post-Mortem: {incident.id}")
    assert client.get(path, params={"format": "report"}).text.startswith("# Incident Report:")
    assert client.get(path).headers["content-type"].startswith("text/markdown")


def test_an_unknown_incident_is_not_found_in_every_route(tank):
    client = tank.client()
    for part in ("", "/timeline", "/stream", "/postmortem"):
        answer = client.get(f"/v1/incidents/INC-1{part}")
        assert answer.json()["error"]["code"] == "incidents.unknown"


def test_resolved_incidents_are_found_by_words(tank):
    incident = tank.resolved()
    client = tank.client()
    (found,) = client.get("/v1/incidents/search", params={"q": "tank"}).json()["incidents"]
    assert found["incident_id"] == incident.id
    assert found["cause_id"] == "tank-empty/the-pump-is-broken"
    assert client.get("/v1/incidents/search", params={"q": "zebra"}).json()["incidents"] == []


def test_an_incident_is_replayed_and_what_is_not_kept_is_said(tank):
    incident = tank.resolved()
    found = tank.client().get(f"/v1/incidents/{incident.id}/replay").json()
    assert found["verdict"].startswith("Cannot tell")
    assert found["runbooks_now"] == ["tank-empty"]
    assert all(each["known_then"] for each in found["causes"])


def test_the_status_page_says_the_same_to_people(tank):
    incident = tank.waiting()
    text = tank.client().get("/console/status").text
    assert incident.title in text
    assert "repair waits for approval" in text
    assert "No incident was resolved." in text
