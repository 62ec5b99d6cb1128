"""The environment variables of the operations documents do what they say."""

import pytest

from tests.knowledge.conftest import WordModelHome
from trimtab.infra.settings import load
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.errors import Misconfigured
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health
from trimtab.knowledge import Knowledge, KnowledgeContext
from trimtab.knowledge.errors import DocumentTooLarge


@pytest.fixture
def started(tmp_path, clock, monkeypatch):
    """Open knowledge in an environment."""
    monkeypatch.chdir(tmp_path)
    opened = []

    def start(**environment):
        data = DataDirectory(tmp_path / "data")
        around = KnowledgeContext(clock, Events(), Health(clock))
        settings = load(environment=environment).knowledge
        knowledge = Knowledge(data, settings, around, WordModelHome(tmp_path / "model"))
        knowledge.encoder.install_and_load()
        opened.extend((knowledge, data))
        return knowledge

    yield start
    for each in opened:
        each.close()


def filled(knowledge, count):
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    for number in range(count):
        knowledge.search("sea", f"whale {number}")
    return knowledge.stats().cache


@pytest.mark.feature("F520")
def test_cache_size_is_another_name_of_query_cache_size(started):
    assert started(CACHE_SIZE="500").stats().cache.query_cache.max_size == 500


@pytest.mark.feature("F520")
def test_of_both_names_the_explicit_one_wins(started):
    knowledge = started(CACHE_SIZE="500", QUERY_CACHE_SIZE="300")
    assert knowledge.stats().cache.query_cache.max_size == 300


@pytest.mark.feature("F573")
def test_the_query_cache_holds_so_many_answers_and_no_more(started):
    assert filled(started(QUERY_CACHE_SIZE="7"), 20).query_cache.size == 7


@pytest.mark.feature("F574")
def test_the_embedding_cache_holds_so_many_vectors_and_no_more(started):
    assert filled(started(EMBEDDING_CACHE_SIZE="7"), 20).embedding_cache.size == 7


@pytest.mark.feature("F575")
def test_the_caches_together_hold_no_more_than_their_memory(started):
    knowledge = started(
        MAX_CACHE_MEMORY_MB="1", QUERY_CACHE_SIZE="1000000", EMBEDDING_CACHE_SIZE="1000000"
    )
    caches = filled(knowledge, 1500)
    assert caches.query_cache.evictions > 0
    assert knowledge.stats().cache_memory_mb <= 1


@pytest.mark.feature("F582")
def test_a_document_over_its_size_is_refused_and_the_size_is_50_mb(started):
    assert started().settings.max_document_mb == 50


@pytest.mark.feature("F582")
def test_a_document_over_the_chosen_size_is_refused(started):
    with pytest.raises(DocumentTooLarge):
        started(MAX_DOCUMENT_SIZE_MB="1").ingest_text("sea", "big.txt", "x" * 1024 * 1025)


@pytest.mark.feature("F576", "F577", "F578")
def test_with_profiling_a_line_is_written_every_interval(started, clock, caplog):
    caplog.set_level("INFO")
    knowledge = started(ENABLE_MEMORY_PROFILING="true", PROFILE_INTERVAL_SECONDS="300")
    for _ in range(61):
        knowledge.beat()
        clock.seconds += 10
    lines = [record for record in caplog.records if record.message == "MEMORY_PROFILE"]
    assert len(lines) == 2
    assert lines[0].resident_mb > 1
    assert len(lines[0].objects) == 20


@pytest.mark.feature("F576")
def test_without_profiling_no_line_is_written(started, clock, caplog):
    caplog.set_level("INFO")
    knowledge = started()
    clock.seconds += 1000
    knowledge.beat()
    assert "MEMORY_PROFILE" not in caplog.text


def test_the_documents_model_is_the_shipped_one_and_another_is_refused_at_start(started):
    name = "sentence-transformers/all-MiniLM-L6-v2"
    assert started(EMBEDDING_MODEL=name).settings.embedding_model == name
    with pytest.raises(Misconfigured) as refused:
        load(environment={"EMBEDDING_MODEL": "bert-large"})
    assert name in refused.value.hint()


@pytest.mark.feature("F656")
def test_the_model_runs_on_the_cpu_and_an_unknown_device_is_refused_at_start(started):
    knowledge = started(EMBEDDING_DEVICE="cpu")
    knowledge.ingest_text("sea", "a.md", "Whales sing.")
    found = knowledge.search("sea", "whales")
    assert (found.degraded_mode, found.passages[0].vector_score is not None) == (False, True)
    with pytest.raises(Misconfigured, match="EMBEDDING_DEVICE"):
        load(environment={"EMBEDDING_DEVICE": "tpu"})
    assert load(environment={"EMBEDDING_DEVICE": "cuda"}).knowledge.embedding_device == "cuda"


@pytest.mark.feature("F560")
def test_the_model_and_the_index_are_asked_every_ten_seconds(started):
    assert started().settings.heartbeat_seconds == 10
