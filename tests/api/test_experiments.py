"""Replay, shadow mode, canary and the list for review, over HTTP and on the command line."""

import json

import pytest

from trimtab.answers import Question
from trimtab.evaluation.experiments.candidate import TRIABLE
from trimtab.infra.settings import Settings, rows

TEXT = "The trimtab turns the rudder of the ship.\n\nA small winch moves the mast of the ship."
QUESTIONS = ("What turns the rudder and what moves the mast?", "What turns the rudder?")


@pytest.fixture
def asked(app_of):
    """Build an app with questions that were answered."""

    def make(times=5, **settings):
        app = app_of(answers__max_sentences="2", **settings)
        app.knowledge.ingest_text("p", "ship.txt", TEXT)
        for question in QUESTIONS * times:
            app.answers.answer(Question("p", question, user_id="ann"))
        return app

    return make


@pytest.fixture
def client(asked):
    from starlette.testclient import TestClient

    def make(**settings):
        app = asked(**settings)
        return app, TestClient(app.http_apps.control, base_url="http://localhost")

    return make


def replayed(client, changes, **more):
    return client.post("/v1/answers/replay", json={"set": changes, "last": 100, **more})


def test_a_replay_tells_what_would_change_and_leaves_no_trace(client):
    app, http = client()
    same = replayed(http, {}).json()
    shorter = replayed(http, {"max_sentences": "1"}).json()
    assert (same["summary"]["n"], same["summary"]["changed_text"]) == (10, 0)
    assert (shorter["configuration"], shorter["summary"]["changed_text"]) == ("max_sentences=1", 5)
    assert len(app.answers.traces.recent(100)) == 10
    assert app.answers.shadow_budget.standing().spent_usd == 0


def test_a_replay_sees_the_guards_that_are_in_force(client):
    app, http = client()
    app.answers.retrieval.set_route("p", "nowhere")
    found = replayed(http, {}).json()
    assert (found["verdict"], found["summary"]["found_lost"]) == ("worse", 10)


@pytest.mark.parametrize(
    "changes",
    [
        {"generator_url": "http://evil.example"},
        {"generator_key": "x"},
        {"top_k": "many"},
        {"x": "1"},
    ],
)
def test_an_address_a_key_and_nonsense_cannot_be_tried(client, changes):
    _, http = client()
    response = replayed(http, changes)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "answers.bad_trial")


def test_what_can_be_tried_are_settings():
    names = {row.name for row in rows(Settings)}
    assert {f"answers.{name}" for name in TRIABLE} <= names


def test_a_shadow_tries_its_share_and_its_pairs_are_reported(client):
    app, http = client(answers__shadow_share="1", answers__shadow_set="max_sentences=1")
    app.evaluation.experiments.shadow.run_waiting()
    report = http.get("/v1/answers/shadow").json()
    assert (report["configuration"], report["questions"]) == ("max_sentences=1", {"tried": 10})
    assert (report["summary"]["n"], report["summary"]["changed_text"]) == (10, 5)


def test_a_service_without_shadow_says_how_to_get_one(client):
    _, http = client()
    error = http.get("/v1/answers/shadow").json()["error"]
    assert (error["code"], "answers.shadow_set" in error["hint"]) == ("answers.bad_trial", True)


@pytest.mark.feature("F475")
def test_the_canary_says_which_questions_lost_their_document(client, tmp_path):
    good = {"project": "p", "question": "What turns the rudder?", "document_name": "ship.txt"}
    lost = {"project": "p", "question": "What moves the mast?", "document_name": "gone.txt"}
    file = tmp_path / "probes.jsonl"
    file.write_text(json.dumps(good) + "\n", encoding="utf-8")
    app, http = client(answers__canary_file=str(file))
    app.evaluation.monitor.run_once()
    assert app.evaluation.monitor.seen.canary.recall == 1.0
    asked = http.post("/v1/answers/canary", json={"probes": [good, lost]}).json()
    assert (asked["recall"], asked["missed"]) == (0.5, ["What moves the mast?"])


def test_answers_that_need_a_look_are_listed_once_and_go_with_their_person(client):
    app, http = client(answers__review_share="0")
    app.answers.answer(Question("p", "Who sang at the opera?", user_id="ann"))
    app.answers.answer(Question("p", "Who sang at the opera?", user_id="bob"))
    found = http.get("/v1/reviews").json()
    degraded = [one for one in found["reviews"] if one["reason"] == "degraded"]
    assert found["waiting"] == {"degraded": 12}  # No model is loaded here.
    assert http.post(f"/v1/reviews/{degraded[0]['trace_id']}/done").status_code == 204
    assert http.post(f"/v1/reviews/{degraded[0]['trace_id']}/done").status_code == 404
    assert http.get("/v1/reviews").json()["waiting"] == {"degraded": 11}
    app.answers.traces.forget_user("ann")
    assert http.get("/v1/reviews").json()["waiting"] == {"degraded": 1}
