import random
from dataclasses import replace

import numpy as np
import pytest

from tests.knowledge.ranking.words_embedder import TopicEmbedder
from trimtab.knowledge.index import IndexedPassage, ProjectIndex
from trimtab.knowledge.ranking import DEFAULT_MEANING, UNFITTED, fit
from trimtab.knowledge.ranking.probes import share_supported_by

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
    fitted = fit(project(blind, texts), list(enumerate(texts)), blind.embed, blind.embed)
    assert fitted.meaning < DEFAULT_MEANING
    assert fitted.words_quality > fitted.meaning_quality + 0.3


def test_meaning_counts_more_where_sentences_share_no_words():
    chance = random.Random(2)
    vocabulary = [[[word(chance) for _ in range(8)] for _ in range(4)] for _ in range(60)]
    texts = themed_texts(lambda passage, part: vocabulary[passage][part])
    topics = [" ".join(w for part in parts for w in part) for parts in vocabulary]
    knowing = TopicEmbedder(topics)
    fitted = fit(project(knowing, texts), list(enumerate(texts)), knowing.embed, knowing.embed)
    assert fitted.meaning > DEFAULT_MEANING
    assert fitted.meaning_quality > fitted.words_quality + 0.3


def test_a_small_project_keeps_the_default():
    embedder = TopicEmbedder()
    texts = ["The first thing is this. The second thing is that."] * 5
    fitted = fit(project(embedder, texts), list(enumerate(texts)), embedder.embed, embedder.embed)
    assert fitted.meaning == DEFAULT_MEANING
    assert fitted.probes == 5


def test_a_project_without_vectors_keeps_the_default():
    embedder = TopicEmbedder()
    texts = ["The first thing is this. The second thing is that."] * 50
    fitted = fit(ProjectIndex(32), list(enumerate(texts)), embedder.embed, embedder.embed)
    assert fitted.meaning == DEFAULT_MEANING


def test_the_same_project_has_the_same_fit():
    chance = random.Random(3)
    words = [word(chance) for _ in range(40)]
    embedder, texts = TopicEmbedder(), themed_texts(lambda _passage, _part: words)
    index, passages = project(embedder, texts), list(enumerate(texts))
    assert fit(index, passages, embedder.embed, embedder.embed) == fit(
        index, passages[::-1], embedder.embed, embedder.embed
    )


CHARACTERS = [chr(0x4E00 + number) for number in range(400)]


def test_chinese_passages_are_asked_too():
    chance = random.Random(5)
    own = [chance.sample(CHARACTERS, 12) for _ in range(60)]
    texts = [
        "".join("".join(chance.choices(characters, k=14)) + "\u3002" for _ in range(4))
        for characters in own
    ]
    # To this embedder all passages are the same, as Chinese is to an English model.
    blind = TopicEmbedder(["nothing"])
    fitted = fit(project(blind, texts), list(enumerate(texts)), blind.embed, blind.embed)
    assert fitted.probes == 60
    assert fitted.meaning <= 0.3


def gains_of(losses, probes=40):
    """Gains of probes that all lose as much at a share of meaning as ``losses`` says."""
    shares = np.linspace(0.0, 1.0, 21)
    row = np.array([0.9 - losses(share) for share in shares])
    return np.tile(row, (probes, 1))


def test_a_share_that_clearly_loses_is_left():
    # Words are best, and each tenth of meaning costs 0.1.
    share = share_supported_by(gains_of(lambda share: 0.8 * share))
    assert share <= 0.025


def test_a_share_that_loses_little_is_kept():
    share = share_supported_by(gains_of(lambda share: 0.012 * share))
    assert 0.45 <= share <= 0.6


def test_the_share_shrinks_as_vectors_find_less_than_words():
    # Both ends lose against the middle; vectors alone find half of what words alone find.
    rows = np.interp(np.linspace(0, 1, 21), [0.0, 0.5, 1.0], [0.8, 0.81, 0.4])
    noise = np.random.default_rng(3).normal(0, 2.0, (40, 1)) * np.linspace(-1, 1, 21)
    shrunk = share_supported_by(np.tile(rows, (40, 1)) + noise - noise.mean(axis=0))
    assert shrunk < 0.45


def test_another_usual_share_is_started_from():
    even = gains_of(lambda _share: 0.0)
    assert share_supported_by(even, 0.8) == pytest.approx(0.7)
    assert share_supported_by(even[:5], 0.8) == 0.8


@pytest.mark.parametrize(("words", "above"), [(0.62, False), (0.58, True)])
def test_the_share_goes_above_the_usual_one_only_where_vectors_find_far_more(words, above):
    rows = gains_of(lambda share: (0.9 - words) * (1 - share))
    assert (share_supported_by(rows) > DEFAULT_MEANING) is above


def test_few_probes_that_disagree_say_nothing():
    for_words, for_meaning = gains_of(lambda share: share, 3), gains_of(lambda share: 1 - share, 2)
    assert share_supported_by(np.concatenate([for_words, for_meaning])) == DEFAULT_MEANING


def test_few_probes_that_all_agree_are_heard():
    share = share_supported_by(gains_of(lambda share: share, probes=5))
    assert share == 0.0


@pytest.mark.parametrize(
    ("before", "passages", "outgrown"),
    [
        (0, 9, False),
        (0, 10, True),
        (10, 20, False),
        (10, 21, True),
        (49, 98, False),
        (49, 99, True),
        (50, 100, False),
        (50, 101, True),
        (400, 500, False),
        (400, 501, True),
        (400, 299, True),
    ],
)
def test_a_fit_is_outgrown_by_many_new_passages(before, passages, outgrown):
    assert replace(UNFITTED, passages=before).outgrown(passages) is outgrown
