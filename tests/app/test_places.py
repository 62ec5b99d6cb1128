"""How the app admits questions, and what it does when retrieval is late."""

import logging

import pytest

from tests.faces import app_of, client_of, settings_of  # noqa: F401 - fixtures.
from tests.slow_model import SlowModel
from trimtab.answers import Question
from trimtab.infra.settings import load
from trimtab.infra.web.module import limiter_of


@pytest.mark.parametrize(
    ("flags", "at_once"),
    [({}, 8), ({"answers.generator": "openai"}, 64), ({"api.at_once": "3"}, 3)],
)
def test_few_work_at_once_where_the_processor_writes_and_many_where_a_model_elsewhere_does(
    flags, at_once
):
    assert limiter_of(load(flags=flags, environment={})).at_once == at_once


def test_a_search_that_is_late_is_answered_by_words_alone(app_of):  # noqa: F811
    app = app_of(answers__retrieval_deadline_seconds="0.2")
    app.knowledge.encoder.start()
    app.knowledge.ingest_text("p", "ship.txt", "The trimtab turns the rudder of the ship.")
    question = Question("p", "What turns the rudder?")
    assert app.answers.answer(question).degraded_mode is False
    app.knowledge.caches.empty()
    encoder = app.knowledge.encoder
    encoder._model = SlowModel(encoder._model, 2.0, encoder._machine)
    late = app.answers.answer(question)
    assert (late.found, late.degraded_mode) == (True, True)


def test_a_search_takes_a_thread_and_one_that_the_cache_answers_takes_none(
    app_of,  # noqa: F811
    caplog,
    monkeypatch,
):
    monkeypatch.setattr(logging, "logThreads", True)  # The service itself does without.
    app = app_of()
    app.knowledge.encoder.start()
    app.knowledge.ingest_text("p", "ship.txt", "The trimtab turns the rudder of the ship.")
    caplog.set_level("INFO")
    client = client_of(app)
    for _ in range(2):
        assert client.get("/api/v1/search/p", params={"q": "rudder"}).status_code == 200
    searches = [record for record in caplog.records if record.message == "query"]
    requests = [record for record in caplog.records if record.message == "request"]
    loops = [
        search.thread == request.thread for search, request in zip(searches, requests, strict=True)
    ]
    assert [record.cache_hit for record in searches] == [False, True]
    assert loops == [False, True]
