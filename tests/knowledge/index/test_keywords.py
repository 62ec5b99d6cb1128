import math
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.knowledge.index import KeywordIndex, analysed, query_terms
from trimtab.knowledge.index.vectors import best_first
from trimtab.text.languages import LANGUAGES

WORDS = ["cache", "index", "server", "query", "model", "disk", "proxy", "queue", "backup", "alert"]


def indexed(texts):
    index = KeywordIndex(LANGUAGES)
    index.add((key, analysed(text)) for key, text in texts.items())
    return index


def found(index, query, allowed=None):
    matches = index.search(query_terms(query, index.languages), allowed)
    return dict(zip(matches.keys.tolist(), matches.scores.tolist(), strict=True))


def bm25(texts, query):
    """The formula, written out for each passage."""
    passages = {key: analysed(text) for key, text in texts.items()}
    mean = sum(passage.length for passage in passages.values()) / len(passages)
    scores = {}
    for asked in query_terms(query, ["english"]):
        term = asked.variants[0]
        having = [key for key, passage in passages.items() if term in passage.frequencies]
        rarity = math.log(1 + (len(passages) - len(having) + 0.5) / (len(having) + 0.5))
        for key in having:
            often = passages[key].frequencies[term]
            norm = 1.2 * (0.25 + 0.75 * passages[key].length / mean)
            gain = asked.weight * rarity * often * 2.2 / (often + norm)
            scores[key] = scores.get(key, 0) + gain
    return scores


def random_texts(seed, count):
    chance = random.Random(seed)
    return {key: " ".join(chance.choices(WORDS, k=chance.randint(1, 30))) for key in range(count)}


def test_scores_are_bm25():
    texts = random_texts(1, 60)
    assert found(indexed(texts), "slow cache proxy") == pytest.approx(
        bm25(texts, "slow cache proxy"), rel=1e-4
    )


def test_the_best_come_first_and_equal_scores_by_key():
    index = indexed({3: "cache", 1: "cache", 2: "cache cache cache", 9: "disk"})
    matches = index.search(query_terms("cache", ["english"]))
    assert best_first(matches.keys, matches.scores, 3)[0].tolist() == [2, 1, 3]
    assert best_first(matches.keys, matches.scores, 1)[0].tolist() == [2]


def test_scores_are_looked_up_by_key():
    index = indexed({3: "cache", 1: "cache", 9: "disk"})
    matches = index.search(query_terms("cache", ["english"]))
    scores = matches.of(np.array([9, 3, 77]))
    assert scores[0] == scores[2] == 0
    assert scores[1] == found(index, "cache")[3]


def test_the_spread_of_scores_counts_every_passage():
    texts = random_texts(2, 40)
    scores = np.zeros(40)
    for key, score in bm25(texts, "cache").items():
        scores[key] = score
    matches = indexed(texts).search(query_terms("cache", ["english"]))
    assert matches.mean == pytest.approx(scores.mean(), rel=1e-4)
    assert matches.deviation == pytest.approx(scores.std(), rel=1e-4)


def test_a_passage_outside_the_index_gets_the_score_it_would_have():
    texts = random_texts(3, 40)
    index = indexed(texts)
    terms = query_terms("cache proxy disk", ["english"])
    scores = found(index, "cache proxy disk")
    for key, text in texts.items():
        assert index.score_of(terms, analysed(text)) == pytest.approx(scores.get(key, 0), rel=1e-4)


def test_a_passage_without_any_term_is_not_found():
    assert found(indexed({1: "cache", 2: "disk"}), "cache").keys() == {1}


def test_an_empty_index_finds_nothing():
    assert found(KeywordIndex(LANGUAGES), "cache") == {}


def test_only_allowed_passages_are_found():
    index = indexed({1: "cache", 2: "cache", 3: "cache"})
    assert found(index, "cache", allowed=np.array([2, 3])).keys() == {2, 3}


def test_a_passage_added_again_is_replaced():
    index = indexed({1: "cache", 2: "disk"})
    index.add([(1, analysed("proxy"))])
    assert found(index, "cache") == {}
    assert found(index, "proxy").keys() == {1}
    assert len(index) == 2


def test_the_languages_of_a_project_are_those_of_its_passages():
    index = indexed({1: "the cache is cold", 2: "la caché está fría y es lenta"})
    assert set(index.languages) == {"english", "spanish"}


def test_words_of_two_languages_are_found_in_one_project():
    texts = dict.fromkeys(range(3), "the monitoring of the railways is over")
    texts |= {10 + key: "el monitoring de la red es lento" for key in range(3)}
    assert len(found(indexed(texts), "monitoring")) == 6


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 12), st.one_of(st.none(), st.lists(st.sampled_from(WORDS), max_size=8))
    ),
    max_size=60,
)


@given(CHANGES)
def test_any_history_of_changes_finds_what_a_fresh_index_finds(changes):
    index, texts = KeywordIndex(LANGUAGES), {}
    for key, words in changes:
        if words is None:
            index.remove(np.array([key]))
            texts.pop(key, None)
        else:
            texts[key] = " ".join(words)
            index.add([(key, analysed(texts[key]))])
    index.segments()  # Merges, so that deleted passages no longer count as having a term.
    assert index.keys.tolist() == sorted(texts)
    for word in WORDS:
        assert found(index, word) == pytest.approx(found(indexed(texts), word), rel=1e-4)


def test_a_deleted_passage_is_never_found_while_others_come_and_go():
    index = indexed(dict.fromkeys(range(50), "cache index"))
    index.remove(np.arange(10))
    for key in range(100, 140):
        index.add([(key, analysed("cache proxy"))])
    assert not set(range(10)) & found(index, "cache").keys()
    assert len(index) == 80


def test_searches_beside_changes_see_whole_states():
    index = indexed(dict.fromkeys(range(20), "cache"))

    def change(round_number):
        keys = np.arange(100, 120)
        index.add((int(key), analysed("cache")) for key in keys)
        index.remove(keys)
        return round_number

    with ThreadPoolExecutor(3) as pool:
        changes = [pool.submit(change, number) for number in range(10)]
        sizes = {len(found(index, "cache")) for _ in range(200)}
        assert [change.result() for change in changes] == list(range(10))
    assert sizes <= {20, 40}


def test_rarer_terms_weigh_more():
    index = indexed({1: "cache disk", 2: "cache", 3: "cache"})
    rare, frequent, _pair = query_terms("disk cache", ["english"])
    passage = analysed("disk cache")
    assert index.score_of([rare], passage) > index.score_of([frequent], passage) > 0
    (unknown,) = query_terms("zebra", ["english"])
    assert index.score_of([unknown], analysed("zebra")) == 0
