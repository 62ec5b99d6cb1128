"""Many searches at once, beside changes: each finds what was there when it began."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Condition

import pytest

from trimtab.knowledge import indexes
from trimtab.knowledge import search as searching
from trimtab.knowledge.index import ProjectIndex
from trimtab.knowledge.search import COMPUTING

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


def test_more_callers_than_may_compute_wait_for_their_turn(open_knowledge, monkeypatch):
    knowledge, callers = open_knowledge(), COMPUTING + 3
    knowledge.ingest_text("sea", "harbour.md", "The harbour is deep.")
    inside, gate, rank = [], Condition(), searching.rank
    opened = False

    def rank_behind_the_gate(*args, **options):
        with gate:
            inside.append(None)
            gate.notify_all()
            assert gate.wait_for(lambda: opened, timeout=60)
        return rank(*args, **options)

    monkeypatch.setattr(searching, "rank", rank_behind_the_gate)
    with ThreadPoolExecutor(callers) as pool:
        found = [pool.submit(knowledge.search, "sea", f"harbour {n}") for n in range(callers)]
        with gate:
            assert gate.wait_for(lambda: len(inside) == COMPUTING, timeout=60)
            # One more would come at once.
            assert not gate.wait_for(lambda: len(inside) > COMPUTING, timeout=0.5)
            opened = True
            gate.notify_all()
        names = [each.result(timeout=60).passages[0].document_name for each in found]
    assert names == ["harbour.md"] * callers
    assert len(inside) == callers
