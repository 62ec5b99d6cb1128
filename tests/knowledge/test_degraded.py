"""When the model is down, words still find, documents still come in, and all is made good by itself."""

import threading

import pytest

from tests.knowledge.documents import vectors_of
from trimtab.kernel.health import Status
from trimtab.knowledge.errors import EmbedderUnavailable

DOWN = "embedding_model_unavailable"


@pytest.fixture
def sea(knowledge):
    knowledge.ingest_text("sea", "whales.md", "Whales sing in the deep sea.\n")
    return knowledge


@pytest.mark.feature("F547")
@pytest.mark.feature("F548")
@pytest.mark.feature("F549")
def test_queries_are_answered_by_words_and_say_so(sea):
    sea.encoder.unload()
    found = sea.search("sea", "whales")
    assert (found.degraded_mode, found.reason) == (True, DOWN)
    assert found.passages[0].document_name == "whales.md"


@pytest.mark.feature("F552")
def test_cached_results_are_still_served_whole(sea):
    before = sea.search("sea", "whales sing")
    sea.encoder.unload()
    after = sea.search("sea", "whales sing")
    assert (after.cache_hit, after.degraded_mode) == (True, False)
    assert after.passages == before.passages


@pytest.mark.feature("F660")
def test_a_cached_query_vector_still_searches_the_existing_vectors(sea):
    sea.search("sea", "whales", 5)
    sea.encoder.unload()
    assert not sea.search("sea", "whales", 6).degraded_mode


@pytest.mark.feature("F551")
def test_without_its_index_full_text_answers_and_says_so(sea):
    sea.indexes.breaker.trip()
    found = sea.search("sea", "whales")
    assert (found.degraded_mode, found.reason) == (True, "vector_store_unavailable")
    assert found.passages[0].document_name == "whales.md"


OTHER_FORMS = {
    "ligatures.md": "# O\ufb03ce\n\nThe e\ufb03cient o\ufb03ce \ufb01les the pro\ufb01t on the \ufb01rst \ufb02oor.\n",
    "names.md": "Patrick O'Brien keeps the keys.\n\nDie Stra\u00dfe zum Schlo\u00df ist gesperrt.\n",
    "code.md": "The widget code is \uff21\uff22\uff23\uff11\uff12\uff13.\n",
    "beijing.md": "\u5317\u4eac\u662f\u4e2d\u56fd\u7684\u9996\u90fd\u3002\n",
    "songs.md": "Las canciones de la monta\u00f1a son muy tristes.\n",
    "chair.md": "Installing chairs.\n",
}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("office", "ligatures.md"),
        ("efficient floors", "ligatures.md"),
        ("obrien", "names.md"),
        ("O'Brien", "names.md"),
        ("schloss", "names.md"),
        ("strasse", "names.md"),
        ("abc123", "code.md"),
        ("\u5317\u4eac", "beijing.md"),
        ("\u9996\u90fd\u5728\u54ea\u91cc", "beijing.md"),
        ("canci\u00f3n", "songs.md"),
        ("montanas", "songs.md"),
        ("installed", "chair.md"),
    ],
)
def test_without_its_index_the_same_words_are_found(knowledge, query, name):
    for document, text in OTHER_FORMS.items():
        knowledge.ingest_text("forms", document, text)
    indexed = knowledge.search("forms", query).passages
    assert [passage.document_name for passage in indexed if passage.keyword_score] == [name]
    knowledge.indexes.breaker.trip()
    found = knowledge.search("forms", query, 2)
    assert found.degraded_mode
    assert [passage.document_name for passage in found.passages] == [name]


@pytest.mark.parametrize("query", ['"', "office OR", "NEAR(a b)", "heading:x", "'; --", "\u5317"])
def test_without_its_index_no_query_is_syntax(knowledge, query):
    knowledge.ingest_text("forms", "ligatures.md", OTHER_FORMS["ligatures.md"])
    knowledge.indexes.breaker.trip()
    assert knowledge.search("forms", query).degraded_mode


def test_an_index_that_failed_comes_back_by_a_restart(sea):
    sea.indexes.breaker.trip()
    sea.indexes.restart()
    assert not sea.search("sea", "whales").degraded_mode


def test_a_damaged_index_file_is_made_again_from_the_store(open_knowledge):
    knowledge = open_knowledge()
    knowledge.ingest_text("sea", "whales.md", "Whales sing in the deep sea.\n")
    knowledge.search("sea", "whales")
    knowledge.indexes.save(rest_seconds=0)
    (file,) = knowledge.database.file.parent.glob("index/*.index")
    file.write_bytes(file.read_bytes()[:-10] + b"0123456789")
    again = open_knowledge()
    assert again.search("sea", "whales").passages[0].document_name == "whales.md"


def test_a_long_build_does_not_make_a_search_wait(sea, monkeypatch):
    monkeypatch.setattr("trimtab.knowledge.indexes._AT_ONCE", 0)
    found = sea.search("sea", "whales")
    assert (found.degraded_mode, found.reason) == (True, "index_building")
    sea.indexes._jobs.close()
    assert not sea.search("sea", "whales sing").degraded_mode


def test_a_degraded_result_is_not_kept(sea):
    sea.encoder.unload()
    sea.search("sea", "whales")
    sea.reload_model()
    found = sea.search("sea", "whales")
    assert (found.degraded_mode, found.cache_hit) == (False, False)


@pytest.mark.feature("F661")
@pytest.mark.feature("F662")
def test_a_document_is_queued_and_found_by_words_at_once(sea):
    sea.encoder.unload()
    done = sea.ingest_text("sea", "camels.md", "Camels cross the sand.\n")
    assert (done.status, done.reason) == ("queued", DOWN)
    assert sea.search("sea", "camels").passages[0].document_name == "camels.md"
    assert [document.name for document in sea.documents.queued()] == ["camels.md"]


@pytest.mark.feature("F663")
def test_the_queue_survives_a_restart_and_drains(open_knowledge):
    knowledge = open_knowledge()
    knowledge.encoder.unload()
    knowledge.ingest_text("sea", "camels.md", "Camels cross the sand.\n")
    again = open_knowledge()
    assert again.drain() == 1
    assert again.documents.counts() == {"ready": 1, "queued": 0, "dead": 0}
    assert vectors_of(again, "sea") == 1


def test_the_queue_drains_by_itself_when_the_model_is_back(sea):
    drained = threading.Event()
    sea.events.events.subscribe("knowledge.queue_drained", lambda _: drained.set())
    sea.start()
    sea.encoder.unload()
    sea.ingest_text("sea", "camels.md", "Camels cross the sand.\n")
    sea.reload_model()
    assert drained.wait(30)
    assert sea.documents.counts() == {"ready": 2, "queued": 0, "dead": 0}


def test_a_changed_document_that_is_queued_answers_with_its_new_text(sea):
    sea.encoder.unload()
    sea.ingest_text("sea", "whales.md", "Orcas hunt.\n")
    assert [found.text for found in sea.search("sea", "orcas whales").passages] == ["Orcas hunt."]


def test_a_document_that_breaks_the_model_ends_on_the_dead_letter_list(open_knowledge, home):
    knowledge = open_knowledge(dead_letter_attempts=2, breaker_failures=100)
    home.model.broken_by = "poison"
    knowledge.ingest_text("sea", "bad.md", "This is poison.\n")
    knowledge.ingest_text("sea", "good.md", "This is bread.\n")
    knowledge.drain()
    assert [(d.name, d.attempts) for d in knowledge.documents.dead_letters()] == [("bad.md", 2)]
    home.model.broken_by = "\0"
    knowledge.retry_dead_letters()
    assert knowledge.drain() == 1
    assert knowledge.documents.dead_letters() == ()


@pytest.mark.feature("F648")
@pytest.mark.feature("F650")
def test_health_names_the_model_and_what_is_wrong_with_it(sea, home):
    assert sea.encoder.health().facts["model"] == "words"
    (home.folder / "model.bin").unlink()
    sea.encoder.unload()
    found = sea.encoder.health()
    assert (found.status, found.facts["error"]) == (Status.DOWN, "Model file not found")


@pytest.mark.feature("F554")
@pytest.mark.feature("F555")
@pytest.mark.feature("F556")
def test_the_breaker_probes_every_30_seconds_and_closes_by_itself(sea, home, clock):
    home.model.broken_by = ""
    for _ in range(3):
        with pytest.raises(EmbedderUnavailable):
            sea.encoder.vectors(["x"])
    home.model.broken_by = "\0"
    clock.seconds += 29
    sea.beat()
    assert not sea.encoder.up
    clock.seconds += 1
    sea.beat()
    assert sea.encoder.up


@pytest.mark.feature("F668")
def test_a_start_without_a_usable_model_fails_at_once_where_it_is_required(
    open_knowledge, home, monkeypatch
):
    knowledge = open_knowledge(embedding_required=True)
    monkeypatch.setattr(home, "install", lambda: False)
    (home.folder / "model.bin").unlink()
    with pytest.raises(EmbedderUnavailable):
        knowledge.start()
