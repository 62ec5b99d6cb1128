import random

import pytest

from tests.knowledge.ranking.words_embedder import TopicEmbedder
from trimtab.knowledge.index import IndexedPassage, ProjectIndex
from trimtab.knowledge.ranking import DEFAULT_MEANING, UNFITTED, fit

SYLLABLES = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ka",
    "le",
    "mi",
    "no",
    "pu",
    "ra",
    "se",
    "ti",
    "vo",
    "zu",
]


def word(chance):
    return "".join(chance.choices(SYLLABLES, k=3))


def sentence(chance, words):
    return " ".join(chance.sample(words, 6)).capitalize() + "."


def project(embedder, texts):
    index = ProjectIndex(embedder.dimension)
    rows = embedder.embed(texts)
    index.add(IndexedPassage(key, text, rows[key]) for key, text in enumerate(texts))
    return index


def themed_texts(words_of):
    """Passages of four sentences; ``words_of(passage, sentence)`` are the words of each."""
    chance = random.Random(4)
    return [
        " ".join(sentence(chance, words_of(passage, part)) for part in range(4))
        for passage in range(60)
    ]


def test_words_count_more_where_only_words_tell():
    chance = random.Random(1)
    vocabulary = [[word(chance) for _ in range(8)] for _ in range(60)]
    texts = themed_texts(lambda passage, _part: vocabulary[passage])
    # To this embedder every word is the same: it knows nothing about the project's language.
    blind = TopicEmbedder([" ".join(w for words in vocabulary for w in (*words, words[0]))])
    fitted = fit(project(blind, texts), list(enumerate(texts)), blind.embed)
    assert fitted.meaning < DEFAULT_MEANING
    assert fitted.words_quality > fitted.meaning_quality + 0.3


def test_meaning_counts_more_where_sentences_share_no_words():
    chance = random.Random(2)
    vocabulary = [[[word(chance) for _ in range(8)] for _ in range(4)] for _ in range(60)]
    texts = themed_texts(lambda passage, part: vocabulary[passage][part])
    topics = [" ".join(w for part in parts for w in part) for parts in vocabulary]
    knowing = TopicEmbedder(topics)
    fitted = fit(project(knowing, texts), list(enumerate(texts)), knowing.embed)
    assert fitted.meaning > DEFAULT_MEANING
    assert fitted.meaning_quality > fitted.words_quality + 0.3


def test_a_small_project_keeps_the_default():
    embedder = TopicEmbedder()
    texts = ["The first thing is this. The second thing is that."] * 5
    fitted = fit(project(embedder, texts), list(enumerate(texts)), embedder.embed)
    assert fitted.meaning == DEFAULT_MEANING
    assert fitted.probes == 5


def test_a_project_without_vectors_keeps_the_default():
    embedder = TopicEmbedder()
    texts = ["The first thing is this. The second thing is that."] * 50
    fitted = fit(ProjectIndex(32), list(enumerate(texts)), embedder.embed)
    assert fitted.meaning == DEFAULT_MEANING


def test_the_same_project_has_the_same_fit():
    chance = random.Random(3)
    words = [word(chance) for _ in range(40)]
    embedder, texts = TopicEmbedder(), themed_texts(lambda _passage, _part: words)
    index, passages = project(embedder, texts), list(enumerate(texts))
    assert fit(index, passages, embedder.embed) == fit(index, passages[::-1], embedder.embed)


@pytest.mark.parametrize(("passages", "outgrown"), [(0, False), (50, False), (51, True)])
def test_a_fit_is_outgrown_by_many_new_passages(passages, outgrown):
    assert UNFITTED.outgrown(passages) is outgrown
