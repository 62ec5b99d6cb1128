"""Review over HTTP: from a stored answer and a thumb down to a finished item, for those who may see it."""

import pytest

from tests.api.test_models import form
from tests.faces import client_of
from tests.infra.test_notification_channels import receiver, url  # noqa: F401 - fixtures.
from tests.models.factory import matrix, sample_rows, trained
from trimtab.app.review_sources import LOW_CONFIDENCE, UNSURE_PER_HOUR
from trimtab.infra.auth import Role
from trimtab.kernel.operable import ActionContext
from trimtab.review.records import ReviewQueue

QUESTION = {"project": "yard", "question": "When does the shipyard open?"}


def key(app, name, role=Role.REVIEWER, **more):
    return client_of(app, key=app.keys.create(name, role, actor="test", **more))


@pytest.fixture
def disliked(app, admin):
    """Ask, dislike the answer, fill the queues; return the trace's id."""
    body = {"project": "yard", "name": "open.txt", "text": "The shipyard opens at seven."}
    admin.post("/api/v1/ingest", json=body)
    trace = admin.post("/v1/answers", json=QUESTION | {"user_id": "ann"}).json()["trace_id"]
    said = {"helpful": False, "comment": "it is eight", "user_id": "bob"}
    assert admin.post(f"/v1/traces/{trace}/feedback", json=said).status_code == 201
    app.reviews.collect()
    return trace


@pytest.fixture
def bob(app):
    return key(app, "bob")


@pytest.mark.feature("F263")
@pytest.mark.feature("F267")
def test_a_disliked_answer_is_judged_and_proposed(app, disliked, bob):
    queues = {each["queue"]: each["depth"] for each in bob.get("/v1/review").json()["queues"]}
    assert (queues["review_queue:high_priority"], queues["feedback_queue"]) == (1, 0)
    item = bob.post("/v1/review/next", json={}).json()["item"]
    assert (item["trace_id"], item["reason"], item["lease_by"]) == (disliked, "unhelpful", "bob")
    assert item["context"]["answer"].startswith("The shipyard opens at seven")
    said = {"verdict": "bad", "failure_type": "outdated_source", "answer": "At eight."}
    done = bob.post(f"/v1/review/items/{disliked}/submit", json=said)
    assert (done.status_code, done.json()["state"]) == (200, "done")
    found = bob.get("/v1/review/candidates", params={"kind": "golden"}).json()["candidates"]
    assert [each["body"]["answers"] for each in found] == [["At eight."]]
    decided = bob.post(f"/v1/review/candidates/{found[0]['id']}/decide", json={"approve": True})
    assert decided.status_code == 204


def test_only_an_admin_annotates_for_another_person(disliked, bob, admin):
    assert bob.post("/v1/review/next", json={"annotator": "eve"}).status_code == 403
    taken = admin.post("/v1/review/next", json={"annotator": "eve"}).json()["item"]
    assert taken["lease_by"] == "eve"
    refused = bob.post(f"/v1/review/items/{disliked}/submit", json={"verdict": "good"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "review.not_leased")


def test_a_reviewer_without_the_label_neither_sees_nor_holds_the_item(app, admin):
    body = {"project": "yard", "name": "p.txt", "text": "The takeover is in May.", "labels": ["b"]}
    admin.post("/api/v1/ingest", json=body)
    asked = {"project": "yard", "question": "When is the takeover?", "user_id": "ann"}
    board, plain = key(app, "board", labels=["b"]), key(app, "plain")
    trace = board.post("/v1/answers", json=asked).json()["trace_id"]
    said = {"helpful": False, "user_id": "bob"}
    assert board.post(f"/v1/traces/{trace}/feedback", json=said).status_code == 201
    app.reviews.collect()
    assert plain.get("/v1/review/items").json() == {"items": []}
    assert plain.post("/v1/review/next", json={}).json() == {"item": None}
    assert plain.get(f"/v1/review/items/{trace}").status_code == 404
    assert board.post("/v1/review/next", json={}).json()["item"]["trace_id"] == trace


def test_a_queue_is_cleared_by_operators_only_and_restored(app, disliked, bob):
    operator = key(app, "op", Role.OPERATOR)
    path = "/v1/review/queues/review_queue:high_priority/clear"
    assert bob.post(path).status_code == 403
    archive = operator.post(path).json()
    assert archive["items"] == 1
    assert bob.post("/v1/review/next", json={}).json()["item"] is None
    restored = operator.post(f"/v1/review/archives/{archive['id']}/restore").json()
    assert restored == {"items": 1}
    assert bob.post("/v1/review/next", json={}).json()["item"]["trace_id"] == disliked


def test_questions_of_the_service_itself_are_not_reviewed(app, admin):
    admin.post("/v1/answers", json=QUESTION | {"user_id": "trimtab-probe"})
    assert app.reviews.collect() == 0


def test_the_console_judges_with_forms(app, disliked):
    client = key(app, "eve")
    assert "Next item" in client.get("/console/review").text
    assert client.post("/console/review/next", data={"queue": ""}).status_code == 303
    shown = client.get("/console/review").text
    assert "The shipyard opens at seven" in shown
    item = app.reviews.find(disliked)
    path = f"/console/review/{item.id}/submit"
    assert "needs+a+failure+type" in client.post(path, data={"verdict": "bad"}).headers["location"]
    assert "Stored" in client.post(path, data={"verdict": "good"}).headers["location"]
    assert app.reviews.find(disliked).result.annotator == "eve"


@pytest.mark.feature("F179")
def test_clearing_caches_leaves_the_queues_alone(app, disliked):
    by = ActionContext("k", "test")
    before = [(each.queue, each.depth) for each in app.reviews.queue_figures()]
    for name in ("answers.cache.clear", "guardrails.cache.clear"):
        app.catalog.action(name).run({}, by)
    assert [(each.queue, each.depth) for each in app.reviews.queue_figures()] == before
    assert app.reviews.find(disliked).lease_by == ""


@pytest.mark.feature("F408")
def test_the_annotation_backlog_is_a_metric(app, disliked, anonymous):
    lines = anonymous.get("/metrics").text.splitlines()
    assert 'review_depth{queue="review_queue:high_priority"} 1.0' in lines


@pytest.mark.feature("F265")
def test_a_test_notification_says_when_no_one_can_be_reached(app):
    operator = key(app, "op", Role.OPERATOR)
    body = operator.post("/test-notification").json()
    assert body["results"] == []
    assert body["message"].startswith("No on-call channel is configured")


@pytest.mark.feature("F265")
def test_a_test_notification_goes_through_each_channel(app_of, receiver, url):  # noqa: F811
    app = app_of(notify__slack_webhook_url=url)
    operator = key(app, "op", Role.OPERATOR)
    results = operator.post("/test-notification").json()["results"]
    assert [(each["channel"], each["error"]) for each in results] == [("slack", "")]
    assert b"Test message from trimtab" in receiver.got[0][2]


@pytest.fixture
def churn(control, tmp_path):
    """Return a function that asks a served model; return each row with how sure the model is."""
    assert control.post("/v1/models", **form(tmp_path)).status_code == 201
    assert control.post("/v1/models/churn/promote", json={"version": 1}).status_code == 200
    rows = sample_rows(2000, seed=3)
    sure = trained().predict_proba(matrix(rows)).max(axis=1)

    def predict(row, request_id):
        body = {"rows": [row], "user_id": "ingrid"}
        headers = {"X-Request-ID": request_id}
        done = control.post("/v1/models/churn/predict", json=body, headers=headers)
        assert done.status_code == 200

    predict.rows = list(zip(rows, sure, strict=True))
    return predict


def of_models(app):
    app.reviews.collect()
    return {each.subject: each for each in app.reviews.items.open_items() if each.source == "model"}


def test_predictions_that_are_not_sure_are_reviewed(app, churn, control):
    below = max((each for each in churn.rows if each[1] < LOW_CONFIDENCE), key=lambda each: each[1])
    above = min(
        (each for each in churn.rows if each[1] >= LOW_CONFIDENCE), key=lambda each: each[1]
    )
    churn(below[0], "below")
    churn(above[0], "above")
    (item,) = of_models(app).values()
    found = (item.subject, item.reason, item.queue)
    assert found == ("below", "low_confidence", ReviewQueue.NORMAL)
    assert item.owner == "ingrid"  # By whom an erasure finds it.
    taken = control.post("/v1/review/next", json={"queue": "review_queue:normal_priority"}).json()
    text = taken["item"]["text"]
    assert text.startswith(f"churn@1 was sure to {below[1]:.0%}. Its label: ")
    column, value = next(iter(below[0].items()))
    assert f"The row: {column} {value}" in text
    judged = {"verdict": "bad", "failure_type": "wrong_answer"}
    done = control.post(f"/v1/review/items/{item.id}/submit", json=judged)
    assert done.status_code == 200, done.text
    assert of_models(app) == {}


def test_of_many_rows_a_person_judges_the_least_sure_one(app, churn, control):
    surest = max(churn.rows, key=lambda each: each[1])
    least = min(churn.rows, key=lambda each: each[1])
    rows = {"rows": [surest[0], least[0], surest[0]]}
    assert control.post("/v1/models/churn/predict", json=rows).status_code == 200
    (item,) = of_models(app).values()
    assert f"sure to {least[1]:.0%}. Row 2 of 3, the least sure one. Its label: " in item.text
    column, value = next(iter(least[0].items()))
    assert f"The row: {column} {value}" in item.text
    assert "{" not in item.text


def test_a_model_that_is_never_sure_fills_no_queue(app, churn):
    unsure = [row for row, sure in churn.rows if sure < LOW_CONFIDENCE][: UNSURE_PER_HOUR + 2]
    for number, row in enumerate(unsure):
        churn(row, f"request-{number}")
    assert len(of_models(app)) == UNSURE_PER_HOUR
    assert len(of_models(app)) == UNSURE_PER_HOUR
