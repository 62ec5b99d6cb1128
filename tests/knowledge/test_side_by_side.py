"""Many searches at once, beside changes: each finds what was there when it began."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from trimtab.knowledge import indexes
from trimtab.knowledge.index import ProjectIndex

_STAYING = 24


class GraphIndex(ProjectIndex):
    """Its vectors are a graph from the first dozen on."""

    def __init__(self, dimension, exact_limit=12):
        super().__init__(dimension, min(exact_limit, 12))


@pytest.fixture(params=[ProjectIndex, GraphIndex], ids=["exact", "graph"])
def shore(request, open_knowledge, monkeypatch):
    monkeypatch.setattr(indexes, "ProjectIndex", request.param)
    knowledge = open_knowledge(query_cache_entries=1)
    for number in range(_STAYING):
        knowledge.ingest_text("sea", f"stays{number}.md", f"The harbour number{number} is deep.")
    return knowledge


@pytest.mark.feature("F493")
def test_eight_readers_find_their_documents_while_others_come_and_go(shore):
    def change(turn):
        name = f"guest{turn % 3}.md"
        shore.ingest_text("sea", name, f"A guest of turn{turn} visits the harbour.")
        shore.documents.delete("sea", name)

    def first(number):
        found = shore.search("sea", f"harbour number{number}", 3)
        best = found.passages[0]
        by_both = bool(best.keyword_score), round(best.vector_score or 0, 4)
        return found.degraded_mode, best.document_name, by_both

    before = [first(number) for number in range(_STAYING)]
    with ThreadPoolExecutor(1) as writer, ThreadPoolExecutor(8) as readers:
        changes = [writer.submit(partial(change, turn)) for turn in range(30)]
        asked = [number % _STAYING for number in range(400)]
        answers = list(readers.map(first, asked))
        for done in changes:
            done.result()
    assert answers == [before[number] for number in asked]
    assert [name for _, name, _ in before] == [f"stays{number}.md" for number in range(_STAYING)]
