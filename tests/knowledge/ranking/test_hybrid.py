import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.knowledge.ranking.words_embedder import TopicEmbedder
from trimtab.knowledge.index import IndexedPassage, ProjectIndex
from trimtab.knowledge.ranking import highlights, rank
from trimtab.knowledge.ranking.hybrid import smoothed

EMBEDDER = TopicEmbedder(["restart reboot relaunch", "banana fruit mango", "disk volume storage"])
TEXTS = [
    "To reboot, press the button twice.",
    "A banana keeps for a week.",
    "The volume holds the backups.",
    "Restart counts are shown in the console.",
    "A mango is sweet.",
    "The proxy forwards requests.",
]


def filled(texts=TEXTS, vectors=True):
    index = ProjectIndex(EMBEDDER.dimension)
    rows = EMBEDDER.embed(texts)
    index.add(
        IndexedPassage(key, text, rows[key] if vectors else None) for key, text in enumerate(texts)
    )
    return index


def vector_of(query):
    return EMBEDDER.embed([query])[0]


def keys(ranking):
    return [passage.key for passage in ranking.passages]


def test_words_alone_find_only_what_shares_a_word():
    ranking = rank(filled(), "restart", None)
    assert keys(ranking) == [3]
    assert ranking.meaning == 0


def test_meaning_finds_what_shares_no_word():
    ranking = rank(filled(), "relaunch", vector_of("relaunch"), meaning=1.0)
    assert set(keys(ranking)[:2]) == {0, 3}


def test_a_passage_good_on_both_sides_comes_first():
    ranking = rank(filled(), "restart", vector_of("restart"), meaning=0.5)
    assert keys(ranking)[0] == 3
    assert ranking.passages[0].keyword_score > 0
    assert ranking.passages[0].cosine == pytest.approx(
        float(vector_of("restart") @ vector_of(TEXTS[3])), abs=1e-5
    )


@pytest.mark.parametrize("meaning", [0.0, 0.3, 0.6, 1.0])
def test_scores_fall_from_one_to_zero(meaning):
    ranking = rank(filled(), "restart the volume", vector_of("restart the volume"), meaning=meaning)
    scores = [passage.score for passage in ranking.passages]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_only_allowed_passages_are_ranked():
    allowed = np.array([1, 3])
    ranking = rank(filled(), "restart", vector_of("restart"), allowed=allowed)
    assert set(keys(ranking)) == {1, 3}


def test_the_limit_holds():
    assert len(rank(filled(), "restart", vector_of("restart"), limit=2).passages) == 2


def test_a_passage_without_vector_is_found_by_words():
    index = filled()
    index.add([IndexedPassage(50, "relaunch relaunch", None)])
    ranking = rank(index, "relaunch", vector_of("relaunch"))
    (passage,) = [found for found in ranking.passages if found.key == 50]
    assert passage.cosine is None
    assert passage.keyword_score > 0


def test_a_project_without_vectors_is_searched_by_words():
    ranking = rank(filled(vectors=False), "restart", vector_of("restart"))
    assert keys(ranking) == [3]
    assert ranking.meaning == 0


def test_an_empty_project_has_no_passages():
    assert rank(ProjectIndex(32), "restart", vector_of("restart")).passages == ()


@given(st.text(max_size=60))
def test_any_query_can_be_asked(query):
    ranking = rank(filled(), query, vector_of(query))
    assert len(set(keys(ranking))) == len(ranking.passages)


def test_the_same_query_has_the_same_order():
    index = filled(TEXTS * 20)
    query = "restart the disk"
    assert keys(rank(index, query, vector_of(query))) == keys(rank(index, query, vector_of(query)))


def test_neighbours_lift_each_other():
    rows = np.array([[1, 0], [0.99, 0.14], [0.98, 0.2], [0, 1.0]], np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    scores = np.array([1.0, 1.0, 0.2, 0.2])
    mixed = smoothed(scores, rows)
    assert mixed[2] > mixed[3] - 1e-9
    assert mixed[2] > 0.2


def test_one_candidate_keeps_its_score():
    assert smoothed(np.array([2.0]), np.ones((1, 4), np.float32)).tolist() == [2.0]


def test_highlights_mark_every_form_of_a_word():
    ranking = rank(filled(), "restarting disks", None)
    text = "Restart it. The disk restarted."
    marked = [text[start:end] for start, end in highlights(ranking.terms, text)]
    assert marked == ["Restart", "disk", "restarted"]


def test_a_lone_passage_is_scored_by_its_own_words_and_meaning():
    index = filled(TEXTS[3:4])
    asked = rank(index, "restart counts", vector_of("restart counts"), meaning=0.6).passages[0]
    other = rank(index, "mango", vector_of("mango"), meaning=0.6).passages[0]
    assert asked.score == pytest.approx(0.6 * asked.cosine + 0.4, abs=1e-6)
    assert other.score < 0.5 < asked.score


def test_a_lone_passage_is_scored_by_words_without_vectors():
    assert rank(filled(TEXTS[:1]), "reboot", None).passages[0].score == 1.0
    assert rank(filled(TEXTS[:1]), "mango", None).passages == ()
