"""The project `handbook`: ready at once, only what a user reads, and equal to the release."""

import json

import numpy as np
import pytest

from tests.faces import app_of, settings_of  # noqa: F401 - fixtures.
from trimtab.answers import Question
from trimtab.answers.extractive import NOT_FOUND
from trimtab.app.handbook import HANDBOOK, PAGES_FILE
from trimtab.app.handbook_vectors import VECTORS_FILE, passages, read_vectors
from trimtab.knowledge.embedding import MODEL_ID

UNANSWERED = "Which footballer won the golden boot in 1998?"
ANSWERED = "What happens to queries when the embedding model is down?"


class Counting:
    """The real model, and how many texts it embedded."""

    def __init__(self, model):
        self._model = model
        self.texts = 0

    def embed(self, texts):
        self.texts += len(texts)
        return self._model.embed(texts)

    def __getattr__(self, name):
        return getattr(self._model, name)


@pytest.fixture
def app(app_of):  # noqa: F811
    app = app_of()
    app.knowledge.encoder.start()
    return app


def names(app):
    return {document.name for document in app.knowledge.documents.list(HANDBOOK)}


def test_the_shipped_vectors_cover_the_pages_of_this_release():
    """`make handbook` computes them again."""
    texts = passages()
    known = read_vectors().find(MODEL_ID, texts)
    assert len(known) >= 0.95 * len(texts)
    assert VECTORS_FILE.stat().st_size < 1_500_000


def test_the_first_start_leaves_the_model_next_to_nothing_to_compute(app):
    counting = app.knowledge.encoder._model = Counting(app.knowledge.encoder._model)
    done = app.handbook.ingest()
    chunks = sum(document.chunks for document in done.documents)
    assert chunks > 300
    assert counting.texts <= 0.05 * chunks


def test_a_shipped_vector_is_the_one_that_the_model_computes(app):
    text = passages()[0]
    [computed] = app.knowledge.encoder.vectors([text])
    shipped = read_vectors().find(MODEL_ID, [text])[text]
    assert float(np.dot(computed, shipped)) > 0.999


def test_notes_for_developers_and_the_sample_corpus_are_not_in_the_handbook(app):
    app.handbook.ingest()
    found = names(app)
    assert {"knowledge.md", "knowledge-embedding-failure.md"} <= found
    left_out = [name for name in found if name.startswith(("decisions/", "sample_corpus/"))]
    assert left_out == []
    assert "contract-gaps.md" not in found


def test_a_page_that_left_the_release_goes_and_a_users_document_stays(app):
    app.knowledge.ingest_text(HANDBOOK, "gone.md", "# Gone\n\nA page of the release before.")
    app.knowledge.ingest_text(HANDBOOK, "mine.md", "# Mine\n\nA note of a user.")
    app.directory.file(PAGES_FILE).write_text(json.dumps(["gone.md", "deleted-by-a-user.md"]))
    app.handbook.ingest()
    assert "gone.md" not in names(app)
    assert "mine.md" in names(app)
    assert set(json.loads(app.directory.file(PAGES_FILE).read_text())) == names(app) - {"mine.md"}


@pytest.mark.parametrize("list_", [None, "no list", "7"])
def test_without_a_readable_list_only_what_the_release_leaves_out_goes(app, list_):
    app.knowledge.ingest_text(HANDBOOK, "decisions/old.md", "# Old\n\nA decision record.")
    app.knowledge.ingest_text(HANDBOOK, "mine.md", "# Mine\n\nA note of a user.")
    if list_ is not None:
        app.directory.file(PAGES_FILE).write_text(list_)
    app.handbook.ingest()
    assert "decisions/old.md" not in names(app)
    assert "mine.md" in names(app)


def test_until_it_is_ready_an_answer_that_is_not_found_says_how_far_it_is(app):
    app.knowledge.percent_read[HANDBOOK] = 0
    asked = {}

    def ask(done, total, _name):
        if done == 60:
            asked["percent"] = 100 * done // total
            asked["answer"] = app.answers.answer(Question(HANDBOOK, UNANSWERED))

    app.handbook.ingest(ask)
    during = asked["answer"]
    assert not during.found
    assert f"still being read, {asked['percent']} %" in during.text
    assert 0 < asked["percent"] < 100
    after = app.answers.answer(Question(HANDBOOK, UNANSWERED))
    assert (after.found, after.text) == (False, NOT_FOUND)


def test_an_answer_that_is_found_meanwhile_is_given(app):
    app.handbook.ingest()
    app.knowledge.percent_read[HANDBOOK] = 99
    answer = app.answers.answer(Question(HANDBOOK, ANSWERED))
    assert answer.found
    assert "still being read" not in answer.text
