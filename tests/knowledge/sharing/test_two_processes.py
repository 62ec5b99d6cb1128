"""What one process changes, the next call in another one sees."""

import threading

import pytest

from tests.knowledge.test_reembedding import OtherHome
from trimtab.knowledge.errors import DocumentUnknown
from trimtab.knowledge.records import MULTILINGUAL

WHALES = "Whales sing in the deep sea."


def names(result):
    return {passage.document_name for passage in result.passages}


def test_the_next_search_finds_what_another_process_ingested(mine, other):
    assert other.call("ingest", "sea", "whales.txt", WHALES) == "ingested"
    assert names(mine.search("sea", "whales")) == {"whales.txt"}
    other.call("ingest", "sea", "gulls.txt", "Gulls fly over the sea.")
    assert names(mine.search("sea", "whales")) == {"whales.txt", "gulls.txt"}
    assert not mine.search("sea", "whales").degraded_mode


def test_the_next_search_does_not_find_what_another_process_deleted(mine, other):
    mine.ingest_text("sea", "whales.txt", WHALES)
    mine.ingest_text("sea", "gulls.txt", "Gulls fly.")
    assert names(mine.search("sea", "whales")) == {"whales.txt", "gulls.txt"}
    assert mine.documents.text("sea", "whales.txt") == WHALES
    other.call("delete", "sea", "whales.txt")
    assert names(mine.search("sea", "whales")) == {"gulls.txt"}
    with pytest.raises(DocumentUnknown):
        mine.documents.text("sea", "whales.txt")


def test_a_document_that_came_back_with_another_text_is_not_answered_from_a_cache(mine, other):
    mine.ingest_text("sea", "whales.txt", WHALES)
    assert mine.documents.text("sea", "whales.txt") == WHALES
    other.call("delete", "sea", "whales.txt")
    other.call("ingest", "sea", "whales.txt", "Whales are silent.")
    assert mine.documents.text("sea", "whales.txt") == "Whales are silent."
    assert [p.text for p in mine.search("sea", "whales").passages] == ["Whales are silent."]


def test_a_label_set_by_another_process_hides_a_document_at_once(mine, other):
    mine.ingest_text("sea", "whales.txt", WHALES)
    assert names(mine.search("sea", "whales", labels=["staff"])) == {"whales.txt"}
    other.call("label", "sea", "whales.txt", ["board"])
    assert names(mine.search("sea", "whales", labels=["staff"])) == set()
    assert names(mine.search("sea", "whales", labels=["board"])) == {"whales.txt"}


def test_a_heartbeat_drops_from_memory_what_another_process_deleted(mine, other):
    document = mine.ingest_text("sea", "whales.txt", WHALES).document_id
    mine.ingest_text("sea", "gulls.txt", "Gulls fly.")
    mine.search("sea", "whales")
    mine.documents.text("sea", "whales.txt")
    assert document in mine.caches.held_documents()
    other.call("delete", "sea", "whales.txt")
    mine.beat()
    assert document not in mine.caches.held_documents()
    assert mine.indexes.dead_keys() == {}
    assert mine.verify_deletions().holds


@pytest.mark.feature("F561")
def test_after_a_kill_all_that_was_acknowledged_is_found_and_nothing_in_halves(mine, other):
    text = "Whales sing. " * 200
    acknowledged, enough = [], threading.Event()

    def ingest():
        for number in range(1000):
            other.send("ingest", "sea", f"{number}.txt", f"{text} {number}")
            try:
                other.answer()
            except ValueError:
                return  # It was killed.
            acknowledged.append(f"{number}.txt")
            if len(acknowledged) == 5:
                enough.set()

    thread = threading.Thread(target=ingest)
    thread.start()
    assert enough.wait(120)
    other.kill()
    thread.join()
    stored = {document.name: document for document in mine.documents.list("sea")}
    assert set(acknowledged) <= set(stored)
    for name in stored:
        assert mine.documents.text("sea", name).startswith("Whales sing.")
    mine.ingest_text("sea", "last.txt", "One more.")
    assert "last.txt" in names(mine.search("sea", "one more", 100))
    assert mine.maintenance.check().ok


def test_another_process_drains_the_queue_of_one_that_was_killed(mine, other):
    other.call("break_model", "Whales")
    assert other.call("ingest", "sea", "whales.txt", WHALES) == "queued"
    other.kill()
    assert names(mine.search("sea", "whales")) == {"whales.txt"}
    assert mine.drain() == 1
    assert mine.documents.counts()["queued"] == 0
    assert mine.search("sea", "whales").passages[0].vector_score is not None


def test_one_process_at_a_time_drains_the_queue(mine, second):
    mine_first, second_first = mine.parts.stores.documents, second.parts.stores.documents
    with mine_first.try_draining() as first, second_first.try_draining() as both:
        assert (first, both) == (True, False)
    with second.parts.stores.documents.try_draining() as later:
        assert later


def test_the_next_search_uses_the_vectors_that_another_process_changed_to(mine, second, tmp_path):
    for knowledge in (mine, second):
        knowledge.encoders[MULTILINGUAL].home = OtherHome(tmp_path / "reversed")
    mine.ingest_text("sea", "whales.txt", WHALES)
    mine.ingest_text("sea", "gulls.txt", "Gulls fly far.")
    assert names(second.search("sea", "whales sing")) == {"whales.txt", "gulls.txt"}
    mine.parts.reembedder.run("sea", MULTILINGUAL, lambda _done, _total: None)
    second.encoders[MULTILINGUAL].install_and_load()
    scores = [
        [(p.document_name, p.vector_score) for p in knowledge.search("sea", "whales sing").passages]
        for knowledge in (mine, second)
    ]
    assert scores[0] == scores[1]
    assert scores[1][0][1] > 0.3, "vectors of two models would have nothing in common"


def test_a_restore_in_one_process_is_seen_by_the_next_search_of_another(mine, second, clock):
    mine.ingest_text("sea", "whales.txt", WHALES)
    mine.maintenance.backup()
    clock.seconds += 60
    mine.ingest_text("sea", "gulls.txt", "Gulls fly.")
    assert names(second.search("sea", "whales")) == {"whales.txt", "gulls.txt"}
    done = mine.maintenance.restore()
    assert done.lost == 1
    assert names(second.search("sea", "whales")) == {"whales.txt"}
    assert names(mine.search("sea", "whales")) == {"whales.txt"}
