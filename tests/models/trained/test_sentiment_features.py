"""N-grams of a text, and what the encoders get: texts without links, also in prediction."""

import numpy as np
import pytest

from tests.models.trained.factory import LetterEncoder
from trimtab.models.rows import Rows
from trimtab.models.trained.sentiment.encoding import encode_texts
from trimtab.models.trained.sentiment.features import (
    MAX_CHARACTERS,
    count_grams,
    encoder_text,
    learn_vocabulary,
)
from trimtab.models.trained.sentiment.model import SentimentPredictor
from trimtab.models.trained.sentiment.training import fit

TWEETS = ("Acme up https://t.co/abc today", "Acme  down", "Acme")
PLAIN = ["Acme up today", "Acme down", "Acme"]


class Recorder(LetterEncoder):
    """Keeps what it embeds."""

    def embed(self, texts):
        self.seen = list(texts)
        return super().embed(texts)

    def read(self, question, texts):
        self.read_texts = list(texts)
        return super().read(question, texts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Acme up https://t.co/abc", "Acme up"),
        ("http://a.example/x Acme\nup", "Acme up"),
        ("https://t.co/abc", "https://t.co/abc"),
        ("", ""),
        ("a" * (MAX_CHARACTERS + 1), "a" * MAX_CHARACTERS),
    ],
)
def test_links_and_gaps_are_left_out_unless_there_is_nothing_else(text, expected):
    assert encoder_text(text) == expected


def test_training_and_prediction_encode_the_same_texts():
    training, serving = Recorder(), Recorder()
    weights = fit(encode_texts(TWEETS, training), np.array([2, 0, 1]), training.model_id)
    SentimentPredictor(weights, serving).predict(Rows(("text",), columns={"text": list(TWEETS)}))
    for encoder in (training, serving):
        assert encoder.seen == PLAIN
        assert encoder.read_texts == PLAIN


def test_words_and_the_same_characters_have_weights_of_their_own():
    words, wide, characters = count_grams("ab")
    assert len(words.keys) == 5
    assert len(wide.keys) == 2
    assert not set(words.keys.tolist()) & set(characters.keys.tolist())


def test_words_over_a_gap_are_read_together():
    first, second = (count_grams(text)[1].keys for text in ("cuts its outlook", "cuts an outlook"))
    assert len(np.intersect1d(first, second)) == 3


def test_an_ngram_of_one_text_has_no_weight():
    grams = [count_grams(text) for text in ("profit up", "profit down")]
    vocabulary = learn_vocabulary(grams)
    assert len(vocabulary.weigh(count_grams("profit")).positions) > 0
    assert np.isin(count_grams("profit")[0].keys, vocabulary.keys).sum() == 4
    assert not np.isin(count_grams("down")[0].keys[1], vocabulary.keys)
