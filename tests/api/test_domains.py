import gzip
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.faces import client_of, key_of
from trimtab.api.http import HttpMetrics
from trimtab.infra.auth import Role
from trimtab.monitoring.alerts import Alert, AlertState
from trimtab.monitoring.checks import compile_check
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.signals import metric_names

TEXT = "The rudder turns the ship. The trimtab turns the rudder with little force."


@pytest.fixture
def operator(app):
    return client_of(app, key=key_of(app, Role.OPERATOR))


@pytest.fixture
def reader(app):
    return client_of(app, key=key_of(app, Role.READER))


@pytest.fixture
def ship(admin):
    """Ingest one document; the model is not loaded, so it waits for its vectors."""
    body = {"project": "ship", "name": "rudder.txt", "text": TEXT}
    return admin.post("/api/v1/ingest", json=body).json()


def test_a_text_is_ingested_although_the_model_is_down(operator):
    body = {"project": "ship", "name": "a.txt", "text": TEXT}
    answer = operator.post("/api/v1/ingest", json=body)
    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"
    assert answer.json()["reason"] == "embedding_model_unavailable"


def test_files_are_ingested_and_a_refused_one_does_not_stop_the_others(operator):
    files = [("file", ("a.txt", TEXT)), ("file", ("empty.txt", ""))]
    body = operator.post("/api/v1/ingest", data={"project": "ship"}, files=files).json()
    assert [document["name"] for document in body["documents"]] == ["a.txt"]
    assert [refused["code"] for refused in body["refused"]] == ["knowledge.document_empty"]


def test_a_compressed_file_is_ingested_from_a_form(operator):
    files = [("file", ("ship/v2.5.0-Notes.gz", gzip.compress(TEXT.encode()), "application/gzip"))]
    answer = operator.post("/api/v1/ingest", data={"project": "ship"}, files=files)
    assert (answer.status_code, answer.json()["name"]) == (202, "ship/v2.5.0-Notes.gz")


def test_files_of_one_form_are_embedded_together(app, operator, monkeypatch):
    asked = []

    def vectors(encoder, texts, is_stopped=None):
        asked.append(list(texts))
        return np.ones((len(texts), 384), dtype=np.float32)

    monkeypatch.setattr(type(app.knowledge.encoder), "vectors", vectors)
    files = [("file", (f"{number}.txt", f"Ship {number}.")) for number in range(5)]
    body = operator.post("/api/v1/ingest", data={"project": "ship"}, files=files).json()
    assert [d["name"] for d in body["documents"]] == [f"{number}.txt" for number in range(5)]
    assert {d["status"] for d in body["documents"]} == {"ingested"}
    assert asked == [[f"Ship {number}." for number in range(5)]]


def test_files_of_one_form_are_queued_while_the_model_is_down(app, operator):
    files = [("file", (name, TEXT)) for name in ("a.txt", "b.txt")]
    answer = operator.post("/api/v1/ingest", data={"project": "ship"}, files=files)
    assert answer.status_code == 200
    assert [d["status"] for d in answer.json()["documents"]] == ["queued", "queued"]
    assert [document.name for document in app.knowledge.documents.queued()] == ["a.txt", "b.txt"]


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"project": "a"}', b"\xff"])
def test_an_ingestion_without_its_fields_is_refused(operator, content):
    answer = operator.post("/api/v1/ingest", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "api.invalid_request"


def test_a_reader_may_not_ingest(anonymous):
    body = {"project": "ship", "name": "a.txt", "text": TEXT}
    assert anonymous.post("/api/v1/ingest", json=body).status_code == 403


@pytest.mark.feature("F550")
@pytest.mark.usefixtures("ship")
def test_a_query_is_answered_by_words_and_says_so(anonymous):
    body = anonymous.get("/api/v1/query/ship", params={"q": "What turns the rudder?"}).json()
    assert body["degraded_mode"] is True
    assert body["found"] is True
    citation = body["citations"][0]
    assert TEXT[citation["start"] : citation["end"]] == citation["quote"]


@pytest.mark.usefixtures("ship")
def test_both_query_forms_give_the_same_answer(anonymous):
    asked = "What turns the rudder?"
    by_path = anonymous.get("/api/v1/query/ship", params={"q": asked}).json()
    by_body = anonymous.post("/api/v1/query", json={"query": asked, "project": "ship"}).json()
    answers = anonymous.post("/v1/answers", json={"question": asked, "project": "ship"}).json()
    assert by_path["text"] == by_body["text"] == answers["text"]


@pytest.mark.feature("F618")
@pytest.mark.parametrize(
    ("project", "query", "message"),
    [
        ("ship", "   ", "Query cannot be empty"),
        ("ship", "x" * 1001, "1,001"),
        ("sh ip", "why", "project"),
    ],
)
def test_a_bad_query_is_refused_alike_in_every_form(anonymous, ship, project, query, message):
    for answer in (
        anonymous.get(f"/api/v1/query/{project}", params={"q": query}),
        anonymous.post("/api/v1/query", json={"query": query, "project": project}),
        anonymous.post("/v1/answers", json={"question": query, "project": project}),
    ):
        assert answer.status_code == 400
        assert message in answer.json()["error"]["message"]


@pytest.mark.usefixtures("ship")
def test_an_answer_is_traced_and_judged(anonymous):
    asked = {"question": "What turns the rudder?", "project": "ship"}
    given = anonymous.post("/v1/answers", json=asked).json()
    judged = anonymous.post(f"/v1/traces/{given['trace_id']}/feedback", json={"helpful": True})
    trace = anonymous.get(f"/v1/traces/{given['trace_id']}").json()
    assert judged.status_code == 201
    assert trace["answer"]["text"] == given["text"]
    assert [said["helpful"] for said in trace["feedback"]] == [True]


@pytest.mark.feature("F168")
@pytest.mark.feature("F510")
@pytest.mark.usefixtures("ship")
def test_complaints_about_slow_answers_are_counted(app, anonymous):
    asked = {"question": "What turns the rudder?", "project": "ship"}
    trace_id = anonymous.post("/v1/answers", json=asked).json()["trace_id"]
    for said in ({"helpful": True, "reason": "slow"}, {"helpful": False}):
        assert anonymous.post(f"/v1/traces/{trace_id}/feedback", json=said).status_code == 201
    refused = anonymous.post(
        f"/v1/traces/{trace_id}/feedback", json={"helpful": True, "reason": "ugly"}
    )
    assert refused.status_code == 400
    signal = app.catalog.signals["answers.feedback.slow_rate"]
    assert [sample.value for sample in signal.read()] == [1.0]


def test_other_peoples_questions_are_not_for_readers(anonymous):
    assert anonymous.get("/v1/traces").status_code == 403


def test_a_document_shows_the_text_to_which_offsets_refer(anonymous, ship):
    path = f"/api/v1/projects/ship/documents/{ship['document_id']}"
    assert anonymous.get(path).json()["text"] == TEXT


def test_a_deleted_document_is_found_by_nothing(admin, ship):
    path = f"/api/v1/projects/ship/documents/{ship['document_id']}"
    assert admin.delete(path).status_code == 200
    assert admin.get(path).status_code == 404
    found = admin.get("/api/v1/search/ship", params={"q": "rudder"}).json()
    assert found["passages"] == []


@pytest.mark.feature("F717")
def test_after_a_restart_health_and_projects_answer_as_before(app_of):
    app = app_of()
    app.knowledge.ingest_text("ship", "rudder.txt", TEXT)
    app.close()
    client = client_of(app_of())
    assert client.get("/health").json()["database"] == {"connected": True}
    (project,) = client.get("/api/v1/projects").json()["projects"]
    assert (project["name"], project["documents"]) == ("ship", 1)


@pytest.mark.usefixtures("ship")
def test_projects_are_listed_and_deleted_by_an_admin_only(operator, admin):
    assert [p["name"] for p in admin.get("/api/v1/projects").json()["projects"]] == ["ship"]
    assert operator.delete("/api/v1/projects/ship").status_code == 403
    assert admin.delete("/api/v1/projects/ship").json() == {"name": "ship", "documents": 1}


@pytest.mark.feature("F572", "F680")
@pytest.mark.usefixtures("ship")
def test_stats_names_every_cache_and_their_memory(app, anonymous):
    app.knowledge.encoder.install_and_load()
    app.knowledge.search("ship", "rudder")
    body = anonymous.get("/api/v1/stats").json()
    assert set(body["cache"]) == {"query_cache", "embedding_cache", "document_cache"}
    assert body["cache"]["query_cache"]["size"] == body["cache"]["embedding_cache"]["size"] == 1
    assert body["cache_memory_mb"] > 0


@pytest.mark.feature("F519", "F686")
def test_the_cache_is_warmed_with_frequent_queries_or_with_a_file_of_them(app, operator):
    app.knowledge.encoder.install_and_load()
    app.knowledge.ingest_text("ship", "rudder.txt", TEXT)
    app.knowledge.search("ship", "rudder")
    app.knowledge.caches.empty()
    path = "/api/v1/cache/warm"
    assert operator.post(path, json={"top": 1000}).json() == {"asked": 1, "skipped": 0}
    given = {"queries": "     12 trimtab force\n      3 ship\n", "project": "ship"}
    assert operator.post(path, json=given).json() == {"asked": 2, "skipped": 0}
    for query in ("rudder", "trimtab force", "ship"):
        assert app.knowledge.search("ship", query).cache_hit


def test_a_reader_may_not_warm_and_an_empty_file_is_refused(reader, operator):
    assert reader.post("/api/v1/cache/warm", json={}).status_code == 403
    assert operator.post("/api/v1/cache/warm", json={"queries": " \n"}).status_code == 400


def test_signals_are_read_by_name(anonymous):
    body = anonymous.get("/v1/signals", params={"name": "knowledge.cache.capacity"}).json()
    assert body["signals"][0]["samples"] == [{"value": 100.0, "labels": {}}]


def test_every_check_of_a_runbook_reads_metrics_that_are_exported(app):
    exported = metric_names(app.registry, app.catalog.signals.values()) | set(HttpMetrics.NAMES)
    checks = [
        check
        for book in app.library.runbooks.values()
        for cause in book.causes
        for check in (*book.escalate_when, *cause.evidence, *cause.verify)
    ]
    read = {name for check in checks for name in compile_check(check.expression).metrics}
    assert read - exported == set()
    assert len(checks) > 100


def test_an_unknown_signal_names_its_neighbours(anonymous):
    answer = anonymous.get("/v1/signals", params={"name": "knowledge.cache.capacty"})
    assert answer.status_code == 404
    assert "knowledge.cache.capacity" in answer.json()["error"]["hint"]


def test_a_dry_run_changes_nothing_and_an_act_does(operator):
    path, arguments = "/v1/actions/knowledge.cache.resize", {"arguments": {"query": "500"}}
    read = {"name": "knowledge.cache.capacity"}
    said = operator.post(path, json={**arguments, "dry_run": True}).json()
    before = operator.get("/v1/signals", params=read).json()["signals"][0]["samples"][0]["value"]
    done = operator.post(path, json=arguments).json()
    after = operator.get("/v1/signals", params=read).json()["signals"][0]["samples"][0]["value"]
    assert (said["dry_run"], before, after) == (True, 100, 500)
    assert done["undo_arguments"]["query"] == 100


def test_an_act_of_risk_approval_is_refused_without_a_persons_word(operator):
    answer = operator.post("/v1/actions/knowledge.embedding.reinstall", json={})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "catalog.needs_approval"


def test_an_act_is_in_the_audit_chain_without_its_free_text(operator, admin):
    arguments = {"top": 1, "project": "secret-name"}
    operator.post(
        "/v1/actions/knowledge.cache.warm", json={"arguments": arguments, "dry_run": True}
    )
    operator.post("/v1/actions/knowledge.cache.warm", json={"arguments": {"top": 1}})
    events = admin.get("/v1/audit").json()["events"]
    acts = [event for event in events if event["action"] == "catalog.acted"]
    assert [(act["actor"], act["subject"]) for act in acts] == [
        ("test-operator", "knowledge.cache.warm")
    ]
    assert '"project":"sha256:' in acts[0]["facts"]


def test_a_check_holds_or_says_what_is_wrong_with_it(app, anonymous):
    app.monitoring.take_sample()
    assert anonymous.post("/v1/check", json={"expression": "up == 1"}).json()["holds"] is True
    assert anonymous.post("/v1/check", json={"expression": "up == 0"}).json()["holds"] is False
    refused = anonymous.post("/v1/check", json={"expression": "up =="})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "rules.expression_refused"


def test_a_check_over_time_is_for_operators(reader, operator):
    request = {"expression": "up == 0", "for_seconds": 0, "give_up_seconds": 0.01}
    assert reader.post("/v1/check/hold", json=request).status_code == 403
    body = operator.post("/v1/check/hold", json=request).json()
    assert (body["holds"], body["outcome"]) == (False, "gave_up")


def test_rules_and_alerts_are_listed(anonymous):
    names = {rule["rule"] for rule in anonymous.get("/v1/rules").json()["rules"]}
    assert "KnowledgeEmbeddingModelDown" in names
    assert anonymous.get("/v1/alerts").json() == {"alerts": []}


def test_runbooks_are_listed_with_their_causes(anonymous):
    books = {book["id"]: book for book in anonymous.get("/v1/runbooks").json()["runbooks"]}
    causes = books["knowledge-embedding-failure"]["causes"]
    assert all(cause["evidence"] and cause["drill"] for cause in causes)
    text = anonymous.get("/v1/runbooks/knowledge-embedding-failure").json()["text"]
    assert "# Embedding model failure" in text


def test_a_page_is_checked_against_what_exists(app, operator):
    page = app.library.runbooks["knowledge-embedding-failure"].text
    good = operator.post("/v1/runbooks/lint", json={"text": page})
    bad = operator.post(
        "/v1/runbooks/lint", json={"text": page.replace("embedding.reload", "embedding.relod")}
    )
    assert good.json()["ok"] is True
    assert bad.status_code == 400
    assert "knowledge.embedding.reload" in bad.json()["error"]["hint"]


@pytest.mark.feature("F677")
def test_the_cache_settings_are_shown_with_the_variables_that_set_them(app_of):
    app = app_of(knowledge__query_cache_entries="300")
    rows = client_of(app, key=key_of(app, Role.OPERATOR)).get("/v1/settings").json()["settings"]
    caches = {
        env: row["value"]
        for row in rows
        for env in row["env"]
        if not env.startswith("TRIMTAB_") and "CACHE" in env
    }
    assert caches == {
        "QUERY_CACHE_SIZE": 300,
        "CACHE_SIZE": 300,
        "EMBEDDING_CACHE_SIZE": 1000,
        "MAX_CACHE_MEMORY_MB": 2048,
    }


def test_settings_hide_their_secrets(app_of):
    secrets = {
        "answers__generator_key": "sk-very-secret",
        "answers__second_key": "sk-other-secret",
        "answers__otlp_headers": "authorization=Basic hushhush",
        "answers__otlp_endpoint": "https://me:hushhush@otlp.example",
        "notify__webhook_url": "https://h.example/x",
        "trust__api_key_roles": "hushhush-hushhush:reader",
    }
    app = app_of(**secrets)
    text = client_of(app, key=key_of(app, Role.OPERATOR)).get("/v1/settings").text
    shown = text + repr(app.settings).replace("https://me:hushhush@", "")
    for secret in ("sk-very-secret", "sk-other-secret", "hushhush", "h.example"):
        assert secret not in shown
    assert "https://[hidden]@otlp.example" in text
    assert text.count('"[hidden]"') == 5


def test_a_key_tells_when_it_was_used_last(app_of):
    app = app_of()
    used = client_of(app, key=app.keys.create("used", Role.ADMIN, actor="test"))
    app.keys.create("unused", Role.READER, actor="test")
    used.get("/v1/me")
    last = {key["name"]: key["last_used_at"] for key in used.get("/v1/keys").json()["keys"]}
    assert last["used"] is not None
    assert (last["unused"], last["admin"]) == (None, None)


def test_alerts_are_listed_as_prometheus_lists_them(app, anonymous, monkeypatch):
    labels = {"alertname": "TankLow", "severity": "P1"}
    at = datetime(2026, 11, 29, 9, tzinfo=UTC)
    alert = Alert("f", "TankLow", AlertState.FIRING, labels, {"title": "Tank low"}, 0.25, at)
    assert anonymous.get("/api/v1/alerts").json() == {"status": "success", "data": {"alerts": []}}
    monkeypatch.setattr(RuleEngine, "alerts", lambda *_: (alert,))
    assert anonymous.get("/api/v1/alerts").json()["data"]["alerts"] == [
        {
            "labels": labels,
            "annotations": {"title": "Tank low"},
            "state": "firing",
            "activeAt": "2026-11-29T09:00:00Z",
            "value": "2.5e-01",
        }
    ]


def test_the_state_of_the_rules_is_exported(app, admin):
    exported = admin.get("/metrics").text
    assert "\nrules_failing 0.0\n" in exported
    assert '\nrules_alerts{state="firing"} 0.0\n' in exported
    assert set(metric_names(app.env.registry, ())) >= {"rules_series", "rules_refused_total"}
    assert {"rules_series", "rules_refused_total"} <= app.monitoring.metrics.known
